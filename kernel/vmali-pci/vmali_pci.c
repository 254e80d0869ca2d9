// SPDX-License-Identifier: GPL-2.0 or MIT
/* Copyright (C) 2026 The vmali authors */

/*
 * Presents a Mali GPU that sits behind PCI to panthor.
 *
 * panthor drives a platform device with registers, three named interrupts, a
 * clock and an OPP, usually described by a device tree.  The virtual board has a
 * PCI device instead:
 *
 *	BAR 0		the GPU's register file, 4 MiB
 *	BAR 2		MSI-X table and pending bits
 *	vectors		0 job, 1 mmu, 2 gpu
 *
 * Each bound PCI device gets one platform device "panthor.N", to which panthor
 * binds by name, so panthor must be loaded first.  Without a firmware node the
 * device counts as not DMA coherent, and DMA addresses are physical addresses:
 * an IOMMU would translate for the PCI device alone, so there must be none.
 */

#include <linux/clk-provider.h>
#include <linux/clkdev.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/pm_opp.h>
#include <linux/sizes.h>
#include <linux/units.h>

/*
 * The vendor ID is Arm's, assigned by the PCI-SIG.  Arm has no such device: its
 * ID ("MA") is invented for this board, and the model uses it, too.
 */
#define VMALI_PCI_VENDOR_ID	0x13b5
#define VMALI_PCI_DEVICE_ID	0x4d41

#define VMALI_PCI_REGS_BAR	0
/* Enough for 56 doorbells, see CSF_DOORBELL(); panthor uses 1 + MAX_CSGS = 32 at most. */
#define VMALI_PCI_REGS_SIZE	SZ_4M

/* The only clock rate of the board, for the OPP and for the clock. */
#define VMALI_PCI_CLK_HZ	(500 * HZ_PER_MHZ)

/* The interrupt names that panthor looks up, in the order of the vectors. */
static const char * const vmali_pci_irqs[] = { "job", "mmu", "gpu" };

#define VMALI_PCI_NUM_IRQS	ARRAY_SIZE(vmali_pci_irqs)

static DEFINE_IDA(vmali_pci_ida);

static void vmali_pci_disable(void *pci)
{
	pci_disable_device(pci);
}

static void vmali_pci_free_vectors(void *pci)
{
	pci_free_irq_vectors(pci);
}

static void vmali_pci_free_id(void *id)
{
	ida_free(&vmali_pci_ida, (uintptr_t)id);
}

static void vmali_pci_unregister_clk(void *hw)
{
	clk_hw_unregister_fixed_rate(hw);
}

/*
 * Don't use pcim_enable_device(): it would manage the vectors as well, but the
 * PCI core is to lose this side effect, see pcim_setup_msi_release().
 */
static int vmali_pci_enable(struct pci_dev *pci)
{
	struct device *dev = &pci->dev;
	int ret;

	if (!(pci_resource_flags(pci, VMALI_PCI_REGS_BAR) & IORESOURCE_MEM) ||
	    pci_resource_len(pci, VMALI_PCI_REGS_BAR) < VMALI_PCI_REGS_SIZE)
		return dev_err_probe(dev, -ENODEV, "BAR %d is no register file of %u bytes\n",
				     VMALI_PCI_REGS_BAR, VMALI_PCI_REGS_SIZE);

	ret = pci_enable_device(pci);
	if (ret)
		return dev_err_probe(dev, ret, "cannot enable the device\n");

	pci_set_master(pci);
	ret = devm_add_action_or_reset(dev, vmali_pci_disable, pci);
	if (ret)
		return ret;

	ret = pci_alloc_irq_vectors(pci, VMALI_PCI_NUM_IRQS, VMALI_PCI_NUM_IRQS, PCI_IRQ_MSIX);
	if (ret < 0)
		return dev_err_probe(dev, ret, "cannot get %zu MSI-X vectors\n",
				     VMALI_PCI_NUM_IRQS);

	return devm_add_action_or_reset(dev, vmali_pci_free_vectors, pci);
}

static int vmali_pci_alloc_id(struct device *dev)
{
	int id, ret;

	id = ida_alloc(&vmali_pci_ida, GFP_KERNEL);
	if (id < 0)
		return id;

	ret = devm_add_action_or_reset(dev, vmali_pci_free_id, (void *)(uintptr_t)id);
	return ret ?: id;
}

/*
 * The memory resource is a child of the BAR's.  The BAR is not requested here,
 * because panthor requests the region itself.
 */
static int vmali_pci_add_resources(struct pci_dev *pci, struct platform_device *gpu)
{
	struct resource res[1 + VMALI_PCI_NUM_IRQS];

	res[0] = DEFINE_RES_MEM(pci_resource_start(pci, VMALI_PCI_REGS_BAR), VMALI_PCI_REGS_SIZE);
	res[0].parent = pci_resource_n(pci, VMALI_PCI_REGS_BAR);

	for (unsigned int i = 0; i < VMALI_PCI_NUM_IRQS; i++)
		res[1 + i] = DEFINE_RES_IRQ_NAMED(pci_irq_vector(pci, i), vmali_pci_irqs[i]);

	return platform_device_add_resources(gpu, res, ARRAY_SIZE(res));
}

/*
 * The OPP table must exist when panthor probes, and the OPP core looks up the
 * clock by the device's name when it creates the table.  Set the name here, to
 * the one that platform_device_add() sets later.
 *
 * The clock has no connection id, so panthor's optional "stacks" and "coregroup"
 * clocks resolve to it, too.  It has no device: a clock with a device pins the
 * module of the device's driver, and panthor holds the clock while it is bound,
 * so this module could not be unloaded.
 */
static int vmali_pci_add_clk(struct pci_dev *pci, struct platform_device *gpu)
{
	const char *name;
	struct clk_hw *hw;
	int ret;

	ret = dev_set_name(&gpu->dev, "%s.%d", gpu->name, gpu->id);
	if (ret)
		return ret;

	name = dev_name(&gpu->dev);
	hw = clk_hw_register_fixed_rate(NULL, name, NULL, 0, VMALI_PCI_CLK_HZ);
	if (IS_ERR(hw))
		return PTR_ERR(hw);

	ret = devm_add_action_or_reset(&pci->dev, vmali_pci_unregister_clk, hw);
	if (ret)
		return ret;

	return devm_clk_hw_register_clkdev(&pci->dev, hw, NULL, name);
}

/*
 * True if a driver is bound to the device.  panthor probes synchronously, so its
 * probe is over when platform_device_add() returns.  Don't wait for asynchronous
 * probes here: the caller runs in a probe, too.
 */
static bool vmali_pci_is_bound(struct platform_device *gpu)
{
	guard(device)(&gpu->dev);

	return device_is_bound(&gpu->dev);
}

static int vmali_pci_add_gpu(struct pci_dev *pci, struct platform_device *gpu)
{
	int ret;

	ret = dev_pm_opp_add(&gpu->dev, VMALI_PCI_CLK_HZ, 0);
	if (ret)
		return dev_err_probe(&pci->dev, ret, "cannot add the OPP\n");

	ret = platform_device_add(gpu);
	if (ret) {
		dev_err_probe(&pci->dev, ret, "cannot add %s\n", dev_name(&gpu->dev));
		goto err_remove_opp;
	}

	if (!vmali_pci_is_bound(gpu)) {
		ret = dev_err_probe(&pci->dev, -ENODEV,
				    "panthor did not bind to %s: not loaded first, or its probe failed\n",
				    dev_name(&gpu->dev));
		goto err_del_gpu;
	}

	return 0;

err_del_gpu:
	platform_device_del(gpu);
err_remove_opp:
	dev_pm_opp_remove(&gpu->dev, VMALI_PCI_CLK_HZ);
	return ret;
}

static int vmali_pci_probe(struct pci_dev *pci, const struct pci_device_id *match)
{
	struct platform_device *gpu;
	int id, ret;

	ret = vmali_pci_enable(pci);
	if (ret)
		return ret;

	id = vmali_pci_alloc_id(&pci->dev);
	if (id < 0)
		return id;

	gpu = platform_device_alloc("panthor", id);
	if (!gpu)
		return -ENOMEM;

	gpu->dev.parent = &pci->dev;

	ret = vmali_pci_add_resources(pci, gpu);
	if (!ret)
		ret = vmali_pci_add_clk(pci, gpu);
	if (!ret)
		ret = vmali_pci_add_gpu(pci, gpu);
	if (ret) {
		platform_device_put(gpu);
		return ret;
	}

	pci_set_drvdata(pci, gpu);
	return 0;
}

/* Remove the platform device first: it uses resources that @pci manages. */
static void vmali_pci_remove(struct pci_dev *pci)
{
	struct platform_device *gpu = pci_get_drvdata(pci);

	platform_device_del(gpu);
	dev_pm_opp_remove(&gpu->dev, VMALI_PCI_CLK_HZ);
	platform_device_put(gpu);
}

static const struct pci_device_id vmali_pci_ids[] = {
	{ PCI_DEVICE(VMALI_PCI_VENDOR_ID, VMALI_PCI_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vmali_pci_ids);

static struct pci_driver vmali_pci_driver = {
	.name = "vmali-pci",
	.id_table = vmali_pci_ids,
	.probe = vmali_pci_probe,
	.remove = vmali_pci_remove,
};
module_pci_driver(vmali_pci_driver);

MODULE_DESCRIPTION("Mali GPU behind PCI, presented to panthor as a platform device");
MODULE_AUTHOR("The vmali authors");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_SOFTDEP("pre: panthor");
