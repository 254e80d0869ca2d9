/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_PCI_CONFIG_H
#define VMALI_FRONT_PCI_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "board.h"

/*
 * PCI configuration space of the board: type 0 header and an MSI-X capability. Writes change the
 * writable bits and have no other effect: the client (QEMU) implements the command register, the
 * BARs and MSI-X.
 *
 * The device id is this board's own, with Arm's vendor id (assumed). The guest module
 * (kernel/vmali-pci) matches these ids.
 */
#define PCI_CONFIG_SIZE 256u
#define PCI_CONFIG_VENDOR 0x13b5u
#define PCI_CONFIG_DEVICE 0x4d41u

/* BAR0: the GPU's registers. BAR2: MSI-X table and pending bits. Both 32-bit memory. */
#define PCI_CONFIG_BAR0_SIZE BOARD_REGS_SIZE
#define PCI_CONFIG_BAR2_SIZE 0x1000u
#define PCI_CONFIG_MSIX_TABLE 0x0u
#define PCI_CONFIG_MSIX_PBA 0x800u

struct pci_config {
	uint8_t bytes[PCI_CONFIG_SIZE];
};

/* State after power-on. */
void pci_config_reset(struct pci_config *config);

/* @offset + @len is at most PCI_CONFIG_SIZE; any alignment. */
void pci_config_read(const struct pci_config *config, size_t offset, void *buf, size_t len);

/* Bits that are not writable keep their value. */
void pci_config_write(struct pci_config *config, size_t offset, const void *buf, size_t len);

#endif
