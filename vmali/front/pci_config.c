// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/pci_config.h"

#include <string.h>

#define MSIX_CAP 0x40 /* offset of the MSI-X capability */

/*
 * One row for each register: offset, bytes, value after reset, writable bits. All other bytes read
 * as zero and ignore writes. Offsets and bits: PCI Local Bus Specification 3.0, chapter 6, as in
 * <linux/pci_regs.h>.
 */
/* clang-format off */
static const struct config_reg {
	uint8_t offset, bytes;
	uint32_t value, writable;
} config_regs[] = {
	{ 0x00, 2, PCI_CONFIG_VENDOR, 0 },
	{ 0x02, 2, PCI_CONFIG_DEVICE, 0 },
	{ 0x04, 2, 0x0000, 0x0406 },	/* command: memory, bus master, INTx disable */
	{ 0x06, 2, 0x0010, 0 },		/* status: there is a capability list */
	{ 0x08, 4, 0x03800000, 0 },	/* class: display controller, other; revision 0 */
	{ 0x0c, 1, 0x00, 0xff },	/* cache line size: no effect, but writable as usual */
	{ 0x10, 4, 0x00000000, ~(PCI_CONFIG_BAR0_SIZE - 1) },
	{ 0x18, 4, 0x00000000, ~(PCI_CONFIG_BAR2_SIZE - 1) },
	{ 0x2c, 2, PCI_CONFIG_VENDOR, 0 },	/* subsystem: the board itself */
	{ 0x2e, 2, PCI_CONFIG_DEVICE, 0 },
	{ 0x34, 1, MSIX_CAP, 0 },
	{ 0x3c, 1, 0x00, 0xff },	/* interrupt line: scratch register of the firmware */
	{ MSIX_CAP, 2, 0x0011, 0 },	/* MSI-X, the last capability */
	{ MSIX_CAP + 2, 2, BOARD_VECTOR_COUNT - 1, 0xc000 },	/* enable, mask all */
	{ MSIX_CAP + 4, 4, PCI_CONFIG_MSIX_TABLE | 2, 0 },	/* in BAR2 */
	{ MSIX_CAP + 8, 4, PCI_CONFIG_MSIX_PBA | 2, 0 },
};
/* clang-format on */

#define CONFIG_REGS (sizeof(config_regs) / sizeof(config_regs[0]))

void pci_config_reset(struct pci_config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < CONFIG_REGS; i++) {
		const struct config_reg *reg = &config_regs[i];

		for (size_t byte = 0; byte < reg->bytes; byte++)
			config->bytes[reg->offset + byte] = (uint8_t)(reg->value >> 8 * byte);
	}
}

void pci_config_read(const struct pci_config *config, size_t offset, void *buf, size_t len)
{
	memcpy(buf, &config->bytes[offset], len);
}

/* Writable bits of the byte at @offset. */
static uint8_t writable_bits(size_t offset)
{
	for (size_t i = 0; i < CONFIG_REGS; i++) {
		const struct config_reg *reg = &config_regs[i];

		if (offset >= reg->offset && offset - reg->offset < reg->bytes)
			return (uint8_t)(reg->writable >> 8 * (offset - reg->offset));
	}
	return 0;
}

void pci_config_write(struct pci_config *config, size_t offset, const void *buf, size_t len)
{
	const uint8_t *new = buf;

	for (size_t i = 0; i < len; i++) {
		uint8_t *byte = &config->bytes[offset + i];
		uint8_t mask = writable_bits(offset + i);

		*byte = (uint8_t)((*byte & ~mask) | (new[i] & mask));
	}
}
