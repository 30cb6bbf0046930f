/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a From value: either there is no address, or there is one that
 * normalises to itself and whose text stands in the value.
 */
#include "config.h"

#include "mime/address.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	g_autofree char *value = g_strndup((const char *)data, size);
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(GPtrArray) list = NULL;
	AddressFrom from = { 0 };

	fields_add(fields, "From", value);
	address_from(fields, &from);
	if (from.address != NULL) {
		g_autofree char *again = address_normalise(from.address);

		g_assert_cmpuint(from.mailboxes, ==, 1);
		g_assert_nonnull(address_domain(from.address));
		/* A local part that needs quotes is not its own spelling. */
		g_assert_true(again == NULL ||
		    strcmp(again, from.address) == 0 ||
		    strpbrk(from.address, " \"\\(),:;<>[]") != NULL);
	}
	address_from_clear(&from);
	list = address_list(fields, "From");
	return 0;
}
