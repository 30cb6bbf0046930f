/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One download by http or https into a file, for fetcher.c. Nothing is sent
 * but the URL and validators; nothing is kept. Thread-safe; no state.
 */
#ifndef STORE_FETCH_HTTP_H
#define STORE_FETCH_HTTP_H

#include <glib.h>
#include <stdbool.h>

#define FETCH_HTTP_REDIRECTS 5
/* Of a validator; longer ones are not kept. */
#define FETCH_HTTP_VALIDATOR_MAX 1024

typedef struct {
	const char *url;
	const char *etag;          /* of what is there; NULL: nothing is */
	const char *last_modified; /* or NULL */
	bool private_hosts;
	gint64 max_size;  /* bytes of body */
	glong seconds;    /* for all of it, redirects included */
	int file;         /* open for writing, empty */
	const gint *stop; /* atomic; not 0: break off. May be NULL */
} FetchRequest;

typedef struct {
	bool unchanged; /* 304: nothing was written */
	gint64 size;
	char *etag;
	char *last_modified;
} FetchResult;

/*
 * ERROR_IO: server or network did not do it; ERROR_LIMIT: too large;
 * ERROR_REFUSED: URL, address or redirect is not allowed. The text is for the
 * administrator and does not repeat the URL.
 */
bool fetch_http(
    const FetchRequest *request, FetchResult *result_out, GError **error);
void fetch_result_clear(FetchResult *result);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FetchResult, fetch_result_clear)

#endif
