/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a settings file: loaded, or refused with a text. */
#include "config.h"

#include "policy/settings.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	static char *path = NULL;
	g_autoptr(Settings) settings = NULL;
	g_autoptr(GError) error = NULL;

	if (path == NULL) {
		path = g_strdup_printf(
		    "%s/fuzz-settings-%d", g_get_tmp_dir(), (int)getpid());
	}
	if (!g_file_set_contents(
		path, (const char *)data, (gssize)size, NULL)) {
		return 0;
	}
	settings = settings_load(path, &error);
	g_assert_true(settings != NULL || error != NULL);
	g_assert_true(error == NULL || error->message[0] != '\0');
	if (settings != NULL) {
		g_autofree char *text = settings_print(settings);

		g_assert_nonnull(text);
	}
	unlink(path);
	return 0;
}
