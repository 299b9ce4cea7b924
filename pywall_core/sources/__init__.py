"""Where packets come from: the kernel's queue, captures, memory."""
