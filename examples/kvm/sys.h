/* What the programs here need of a C library: they have none, and no floating point, so that they
 * run on any hart on which Linux does, as its first process too. */
#ifndef SYS_H
#define SYS_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

/* Linux on riscv64: number in a7, arguments in a0 to a5; the result in a0 is -errno or a value. */
static inline i64 syscall6(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f)
{
    register i64 a0 __asm__("a0") = a;
    register i64 a1 __asm__("a1") = b;
    register i64 a2 __asm__("a2") = c;
    register i64 a3 __asm__("a3") = d;
    register i64 a4 __asm__("a4") = e;
    register i64 a5 __asm__("a5") = f;
    register i64 a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return a0;
}

enum {
    SYS_ioctl = 29, SYS_mkdirat = 34, SYS_mount = 40, SYS_faccessat = 48, SYS_openat = 56,
    SYS_close = 57, SYS_lseek = 62, SYS_read = 63, SYS_write = 64, SYS_exit_group = 94,
    SYS_reboot = 142, SYS_uname = 160, SYS_getpid = 172, SYS_mmap = 222, SYS_finit_module = 273,
};

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_SYNC = 04010000 };

static inline int sys_open(const char *path, int flags)
{
    return (int)syscall6(SYS_openat, -100 /* AT_FDCWD */, (i64)path, flags, 0, 0, 0);
}

static inline i64 sys_close(int file) { return syscall6(SYS_close, file, 0, 0, 0, 0, 0); }

static inline i64 sys_read(int file, void *to, u64 size)
{
    return syscall6(SYS_read, file, (i64)to, (i64)size, 0, 0, 0);
}

static inline i64 sys_write(int file, const void *from, u64 size)
{
    return syscall6(SYS_write, file, (i64)from, (i64)size, 0, 0, 0);
}

static inline i64 sys_ioctl(int file, u64 request, u64 argument)
{
    return syscall6(SYS_ioctl, file, (i64)request, (i64)argument, 0, 0, 0);
}

/* Memory of `size` bytes: a file's, shared, or with `file` -1 fresh and zero. -errno if it fails. */
static inline i64 sys_map(u64 size, int file, u64 offset)
{
    int flags = file < 0 ? 0x22 /* MAP_PRIVATE | MAP_ANONYMOUS */ : 1 /* MAP_SHARED */;
    return syscall6(SYS_mmap, 0, (i64)size, 3 /* PROT_READ | PROT_WRITE */, flags, file,
                    (i64)offset);
}

u64 text_length(const char *text);
void copy(void *to, const void *from, u64 size);

/* Print to standard output. Knows %s, %c, %d (int), %x (u64 in hex), and nothing else. */
void print(const char *format, ...);
/* Print "name: ", the message and a newline, and end with status 1. */
void die(const char *format, ...) __attribute__((noreturn));
/* End the process; as first process power the machine off with this status. */
void finish(int status) __attribute__((noreturn));

/* The program; `start` calls it. The first process finds /dev and /proc mounted. */
int program(int count, char **arguments);
/* Its name, for its messages. */
extern const char *const program_name;

#endif
