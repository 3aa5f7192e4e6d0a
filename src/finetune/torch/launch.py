"""Starts torchrun so that no closing terminal and no early TERM ends it.

torchrun handles HUP and TERM by ending its workers (pytorch issue 76894). Blocked signals never reach
its handlers: workers are told to stop by a file, write their checkpoint, and end; torchrun after them.
"""
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})

from torch.distributed.run import main  # noqa: E402

main()
