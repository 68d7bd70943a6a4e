/* SPDX-License-Identifier: MIT */
/*
 * got.c - replace the functions that a shared object imports
 *
 * A shared object calls other objects' functions through a table of pointers,
 * which the dynamic linker fills in and whose slots the object's relocations
 * name. Writing to a slot afterwards changes what this object calls, and
 * nothing else in the process.
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "shim.h"

#if __ELF_NATIVE_CLASS == 64
#define SYMBOL_OF(info) ELF64_R_SYM(info)
#else
#define SYMBOL_OF(info) ELF32_R_SYM(info)
#endif

struct search {
	uintptr_t address; /* lies in the object that is meant */
	const struct shim_import *imports;
	unsigned int num_replaced;
};

/* What the object's dynamic section tells of it. */
struct object {
	uintptr_t base;
	const ElfW(Sym) * symbols;
	const char *strings;
	uintptr_t relocations[2]; /* the table's, the others */
	size_t sizes[2];
	size_t entry_size;
};

static bool contains(const struct dl_phdr_info *info, uintptr_t address)
{
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && address >= start &&
		    address - start < segment->p_memsz)
			return true;
	}

	return false;
}

static void read_dynamic(struct object *object, const ElfW(Dyn) * dyn)
{
	for (; dyn->d_tag != DT_NULL; dyn++) {
		uintptr_t address = dyn->d_un.d_ptr;

		/* Some systems leave it relative. */
		if (address < object->base)
			address += object->base;

		switch (dyn->d_tag) {
		case DT_SYMTAB:
			object->symbols = (const void *)address;
			break;
		case DT_STRTAB:
			object->strings = (const char *)address;
			break;
		case DT_JMPREL:
			object->relocations[0] = address;
			break;
		case DT_PLTRELSZ:
			object->sizes[0] = dyn->d_un.d_val;
			break;
		case DT_RELA:
		case DT_REL:
			object->relocations[1] = address;
			break;
		case DT_RELASZ:
		case DT_RELSZ:
			object->sizes[1] = dyn->d_un.d_val;
			break;
		case DT_RELAENT:
		case DT_RELENT:
			object->entry_size = dyn->d_un.d_val;
			break;
		default:
			break;
		}
	}
}

/* The dynamic linker has made the table read-only. */
static void make_writable(uintptr_t slot)
{
	uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *page = (void *)(slot & ~(page_size - 1));

	if (mprotect(page, page_size, PROT_READ | PROT_WRITE) < 0) {
		perror("shim: mprotect");
		exit(2);
	}
}

static void replace_one(struct search *search, const struct object *object,
			const ElfW(Rel) * relocation)
{
	const ElfW(Sym) *symbol =
		&object->symbols[SYMBOL_OF(relocation->r_info)];
	const char *name = object->strings + symbol->st_name;
	uintptr_t slot = object->base + relocation->r_offset;
	const struct shim_import *import;

	if (SYMBOL_OF(relocation->r_info) == 0 || symbol->st_shndx != SHN_UNDEF)
		return;

	for (import = search->imports; import->name != NULL; import++) {
		if (strcmp(import->name, name) != 0)
			continue;
		make_writable(slot);
		memcpy((void *)slot, &import->function,
		       sizeof(import->function));
		search->num_replaced++;
	}
}

/* Both kinds of relocations begin with what is needed here. */
static void replace_all(struct search *search, const struct object *object)
{
	size_t at;
	int i;

	for (i = 0; i < 2; i++) {
		for (at = 0; at < object->sizes[i]; at += object->entry_size)
			replace_one(
				search, object,
				(const void *)(object->relocations[i] + at));
	}
}

static int visit(struct dl_phdr_info *info, size_t size, void *cookie)
{
	struct search *search = cookie;
	struct object object = { .base = info->dlpi_addr };
	int i;

	(void)size;
	if (!contains(info, search->address))
		return 0;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_DYNAMIC)
			read_dynamic(&object, (const void *)(object.base +
							     segment->p_vaddr));
	}
	replace_all(search, &object);

	return 1;
}

void shim_replace_imports(const char *symbol, const struct shim_import *imports)
{
	struct search search = {
		.address = (uintptr_t)dlsym(RTLD_NEXT, symbol),
		.imports = imports,
	};

	dl_iterate_phdr(visit, &search);
	if (search.num_replaced == 0) {
		fprintf(stderr,
			"shim: found no shared library with %s to put "
			"faults into; link with the shared one\n",
			symbol);
		exit(2);
	}
}
