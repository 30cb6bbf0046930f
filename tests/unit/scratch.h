/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests need that touch the disk: a directory of their own, a small file
 * system that fills up, and the rights of nobody. For tests only.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <glib.h>
#include <stdbool.h>

/* Built with a race detector: it takes much memory, and does not know that
 * flock(2) orders anything. */
#if defined(__SANITIZE_THREAD__)
#define SCRATCH_RACE_DETECTOR
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SCRATCH_RACE_DETECTOR
#endif
#endif

/* A new directory, mode 0700. To be ended with scratch_free(). */
char *scratch_new(void);
/* Removes the directory with all below it, and frees its name. */
void scratch_free(char *directory);

/* directory/name, with content. Yours. */
char *scratch_file(
    const char *directory, const char *name, const char *content);
/* The content of a file as text; aborts the test when there is none. Yours. */
char *scratch_text(const char *path);
/* How many entries directory has, those with a dot included. */
guint scratch_count(const char *directory);

/*
 * Mounts a tmpfs of bytes over directory, in a mount namespace of this process
 * that goes with it. false: not possible here.
 */
bool scratch_mount(const char *directory, gsize bytes);
void scratch_unmount(const char *directory);

/* From here to scratch_regain() file access is that of nobody when the test
 * runs as root; else nothing changes. */
void scratch_become_nobody(void);
void scratch_regain(void);

#endif
