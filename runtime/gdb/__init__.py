"""GDB's remote serial protocol: a server through which gdb debugs the guest.

Source: "Remote Protocol" and "Target Descriptions" of the GDB manual (Debugging with GDB, 13).
"""
