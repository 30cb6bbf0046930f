/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories, small file systems and lost rights for tests. A mount lives in
 * a namespace of the test's process, so that nothing stays when it is killed.
 */
#include "config.h"

#include "scratch.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define NOBODY 65534

char *
scratch_new(void)
{
	g_autoptr(GError) error = NULL;
	char *directory = g_dir_make_tmp("smime-milter-test-XXXXXX", &error);

	g_assert_no_error(error);
	return directory;
}

static void
remove_tree(const char *path)
{
	struct stat facts;

	if (lstat(path, &facts) != 0) {
		return;
	}
	if (S_ISDIR(facts.st_mode)) {
		g_autoptr(GDir) directory = NULL;
		const char *name = NULL;

		(void)chmod(path, 0700);
		directory = g_dir_open(path, 0, NULL);
		while (directory != NULL &&
		    (name = g_dir_read_name(directory)) != NULL) {
			g_autofree char *below =
			    g_build_filename(path, name, NULL);

			remove_tree(below);
		}
	}
	(void)g_remove(path);
}

void
scratch_free(char *directory)
{
	if (directory != NULL) {
		remove_tree(directory);
		g_free(directory);
	}
}

char *
scratch_file(const char *directory, const char *name, const char *content)
{
	g_autoptr(GError) error = NULL;
	char *path = g_build_filename(directory, name, NULL);

	g_file_set_contents(path, content, -1, &error);
	g_assert_no_error(error);
	return path;
}

char *
scratch_text(const char *path)
{
	g_autoptr(GError) error = NULL;
	char *text = NULL;

	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	return text;
}

guint
scratch_count(const char *path)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	guint count = 0;

	g_assert_nonnull(directory);
	while (g_dir_read_name(directory) != NULL) {
		count++;
	}
	return count;
}

bool
scratch_mount(const char *directory, gsize bytes)
{
	static bool own_namespace = false;
	g_autofree char *options =
	    g_strdup_printf("size=%" G_GSIZE_FORMAT ",mode=0700", bytes);

	if (!own_namespace &&
	    (unshare(CLONE_NEWNS) != 0 ||
		mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) != 0)) {
		return false;
	}
	own_namespace = true;
	return mount("tmpfs", directory, "tmpfs", 0, options) == 0;
}

void
scratch_unmount(const char *directory)
{
	g_assert_cmpint(umount2(directory, MNT_DETACH), ==, 0);
}

void
scratch_become_nobody(void)
{
	if (getuid() == 0) {
		g_assert_cmpint(seteuid(NOBODY), ==, 0);
	}
}

void
scratch_regain(void)
{
	if (getuid() == 0) {
		g_assert_cmpint(seteuid(0), ==, 0);
	}
}
