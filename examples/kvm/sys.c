/* See sys.h. Starts the program, as a process like any other or as the first one. */
#include "sys.h"

#define FINISHER 0x100000UL /* QEMU virt's test finisher */

__asm__(".globl _start\n"
        "_start:\n"
        ".option push\n"
        ".option norelax\n"
        "    lla gp, __global_pointer$\n"
        ".option pop\n"
        "    mv a0, sp\n"
        "    andi sp, sp, -16\n"
        "    call start\n");

/* The compiler calls these of its own accord. */
void *memset(void *to, int value, u64 size)
{
    volatile u8 *bytes = to;
    for (u64 i = 0; i < size; i++)
        bytes[i] = (u8)value;
    return to;
}

void *memcpy(void *to, const void *from, u64 size)
{
    volatile u8 *target = to;
    const u8 *source = from;
    for (u64 i = 0; i < size; i++)
        target[i] = source[i];
    return to;
}

void copy(void *to, const void *from, u64 size) { memcpy(to, from, size); }

u64 text_length(const char *text)
{
    u64 length = 0;
    while (text[length])
        length++;
    return length;
}

/* Lines go out whole: a kernel's messages cannot get in between. */
static struct {
    char text[512];
    u64 used;
} line;

static void flush(void)
{
    sys_write(1, line.text, line.used);
    line.used = 0;
}

static void put(char letter)
{
    line.text[line.used++] = letter;
    if (letter == '\n' || line.used == sizeof line.text)
        flush();
}

static void put_number(u64 value, u64 base)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (count)
        put(digits[--count]);
}

static void vprint(const char *format, __builtin_va_list values)
{
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            for (const char *text = __builtin_va_arg(values, const char *); *text; text++)
                put(*text);
            break;
        case 'c':
            put((char)__builtin_va_arg(values, int));
            break;
        case 'd': {
            int value = __builtin_va_arg(values, int);
            if (value < 0)
                put('-');
            put_number((u64)(value < 0 ? -(i64)value : value), 10);
            break;
        }
        case 'x':
            put('0');
            put('x');
            put_number(__builtin_va_arg(values, u64), 16);
            break;
        }
    }
}

void print(const char *format, ...)
{
    __builtin_va_list values;
    __builtin_va_start(values, format);
    vprint(format, values);
    __builtin_va_end(values);
}

void die(const char *format, ...)
{
    __builtin_va_list values;
    print("%s: ", program_name);
    __builtin_va_start(values, format);
    vprint(format, values);
    __builtin_va_end(values);
    print("\n");
    finish(1);
}

static int first_process(void) { return syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0) == 1; }

/* Linux can tell the firmware that it ends, not how: a status other than 0 goes to the finisher,
 * where the device tree has one. */
static void power_off(int status)
{
    int tree = sys_open("/sys/firmware/devicetree/base/soc/test@100000", O_RDONLY);
    int memory = status && tree >= 0 ? sys_open("/dev/mem", O_RDWR | O_SYNC) : -1;
    if (memory >= 0) {
        i64 finisher = sys_map(4096, memory, FINISHER);
        if (finisher > 0 || finisher < -4095)
            *(volatile u32 *)finisher = (u32)status << 16 | 0x3333;
    }
    syscall6(SYS_reboot, 0xfee1dead, 0x28121969, 0x4321fedc /* POWER_OFF */, 0, 0, 0);
}

void finish(int status)
{
    if (line.used)
        put('\n');
    if (first_process())
        power_off(status);
    for (;;)
        syscall6(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

static void mount(const char *kind, const char *folder)
{
    syscall6(SYS_mkdirat, -100, (i64)folder, 0755, 0, 0, 0);
    syscall6(SYS_mount, (i64)kind, (i64)folder, (i64)kind, 0, 0, 0);
}

static void load_module(const char *path)
{
    int file = sys_open(path, O_RDONLY);
    if (file < 0)
        return; /* built into the kernel, or not wanted */
    i64 error = syscall6(SYS_finit_module, file, (i64) "", 0, 0, 0, 0);
    if (error)
        die("%s cannot be loaded: error %d", path, (int)-error);
    sys_close(file);
}

/* `stack` is what the kernel left there: the count of arguments, then pointers to them. */
void start(i64 *stack)
{
    int count = (int)stack[0];
    if (first_process()) {
        count = 1; /* the others are words of the kernel's command line that it does not know */
        mount("devtmpfs", "/dev");
        mount("proc", "/proc");
        mount("sysfs", "/sys"); /* the device tree is there */
        load_module("/lib/kvm.ko");
    }
    finish(program(count, (char **)(stack + 1)));
}
