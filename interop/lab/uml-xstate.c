/* Lets user-mode-linux of Debian 12 run on processors with more state than it knows (AMX): its PTRACE_SETREGSET of NT_X86_XSTATE gives
 * fewer octets than the host's kernel insists on. What it does not know it does not use, and is zero: the header (Intel SDM 13.4.2) says of
 * each component whether it is there at all.
 *
 *   gcc -shared -fPIC -O2 -o uml-xstate.so uml-xstate.c -ldl;  LD_PRELOAD=./uml-xstate.so linux.uml ...
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { LARGEST = 1 << 16 };

static unsigned host_size(void)
{
	unsigned a, enabled = 0, c, d;

	__cpuid_count(0xd, 0, a, enabled, c, d);
	return enabled <= LARGEST ? enabled : LARGEST;
}

long ptrace(enum __ptrace_request request, ...)
{
	static long (*original)(enum __ptrace_request, ...);
	static char state[LARGEST];
	struct iovec *given, whole;
	va_list words;
	va_start(words, request);
	int pid = va_arg(words, int);
	void *address = va_arg(words, void *);
	void *data = va_arg(words, void *);
	va_end(words);

	if (!original)
		original = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
	given = data;
	if (request != PTRACE_SETREGSET || (unsigned long)address != NT_X86_XSTATE || given->iov_len >= host_size())
		return original(request, pid, address, data);
	memset(state, 0, host_size());
	memcpy(state, given->iov_base, given->iov_len);
	whole.iov_base = state;
	whole.iov_len = host_size();
	return original(request, pid, address, &whole);
}
