/* The first process of vmm.c's guest: says that it runs, and shuts down. It speaks through the
 * kernel's log: the guest has no other console. */
#include "sys.h"

const char *const program_name = "guest";

struct utsname {
    char system[65], node[65], release[65], version[65], machine[65], domain[65];
};

int program(int count, char **arguments)
{
    static struct utsname name;
    (void)count, (void)arguments;
    int log = sys_open("/dev/kmsg", O_WRONLY);
    if (log >= 0)
        syscall6(24 /* dup3 */, log, 1, 0, 0, 0, 0);
    syscall6(SYS_uname, (i64)&name, 0, 0, 0, 0, 0);
    print("guest: init speaks: %s %s on %s\n", name.system, name.release, name.machine);
    return 0;
}
