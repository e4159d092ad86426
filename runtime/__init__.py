"""The emulator: memory, devices, loader, console, trace and the engines that run a resolved ISA."""
