/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the modules of this room alone: GMime wants to be initialised before its
 * first use. Call it first in every function that touches GMime; it is cheap
 * and thread-safe. GMime's default parser options are then shared read-only.
 */
#ifndef MIME_GMIME_INIT_H
#define MIME_GMIME_INIT_H

#include <glib.h>
#include <gmime/gmime.h>

/* Defined in fields.c. */
void gmime_init_once(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeContentType, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeContentDisposition, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(InternetAddress, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(InternetAddressList, g_object_unref)

#endif
