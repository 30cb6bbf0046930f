/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fetcher tells, for the log: a server that fails is named once for
 * each new problem, and once more when it is back. Thread-safe.
 */
#ifndef MILTER_CRLNEWS_H
#define MILTER_CRLNEWS_H

#include <glib.h>

/* A FetcherTold; data is not used. */
void crlnews_told(gpointer data, const char *url, const char *problem);

#endif
