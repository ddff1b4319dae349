/* Lets a User-Mode Linux older than 6.13 run on a processor with more state than it knows of.
 *
 * It keeps 2,696 bytes of floating point state for a process, and the host's kernel takes that state only whole: with
 * AMX it is 11,008 bytes. What the guest leaves out is padded with zeros, which stands for the initial state of the
 * rest; no process of the guest ever has any other there. On other processors every call goes through as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define LARGEST 65536
#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

typedef long (*ptrace_call)(int, int, void *, void *);

long ptrace(enum __ptrace_request request, ...)
{
	static ptrace_call real;
	static size_t whole;
	static char state[LARGEST] __attribute__((aligned(64)));
	va_list arguments;
	va_start(arguments, request);
	int pid = va_arg(arguments, int);
	void *what = va_arg(arguments, void *), *data = va_arg(arguments, void *);
	va_end(arguments);
	if (!real)
		real = (ptrace_call)dlsym(RTLD_NEXT, "ptrace");
	if (request != PTRACE_SETREGSET || (long)what != NT_X86_XSTATE)
		return real(request, pid, what, data);
	struct iovec *given = data, all = {state, LARGEST};
	if (!whole && real(PTRACE_GETREGSET, pid, what, &all) == 0)
		whole = all.iov_len;
	if (whole <= given->iov_len)
		return real(request, pid, what, data);
	memcpy(state, given->iov_base, given->iov_len);
	memset(state + given->iov_len, 0, whole - given->iov_len);
	all.iov_len = whole;
	return real(request, pid, what, &all);
}
