// Model-specific registers through the kernel's msr driver (/dev/cpu/N/msr), see msr(4).
#pragma once

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

struct cmsr_value {
	uint64_t value; // meaningful only if error is 0
	int error;      // 0, or an errno value; EIO also if the file gave fewer than 8 bytes
};

// Reads one register. The offset is the register's address and the size exactly 8: the driver would read the same
// register again for every further 8 bytes. An interrupted read is repeated.
static inline struct cmsr_value cmsr_read(int descriptor, uint32_t address)
{
	struct cmsr_value result = {0, 0};
	ssize_t count;
	do
		count = pread(descriptor, &result.value, sizeof result.value, (off_t)address);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		result.error = errno;
	else if (count != (ssize_t)sizeof result.value)
		result.error = EIO;
	return result;
}
