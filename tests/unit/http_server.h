/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server on 127.0.0.1 for tests: a thread for each connection, one
 * request on each. What it answers is said path by path.
 */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <glib.h>

typedef struct HttpServer HttpServer;

typedef enum {
	HTTP_WHOLE,
	HTTP_ENDLESS, /* the body again and again, without a length */
	HTTP_SILENT,  /* nothing until the server ends */
	HTTP_HELD,    /* whole, but not before http_server_release() */
} HttpManner;

typedef struct {
	int status;          /* 0: 200 */
	const char *etag;    /* a request that bears it gets 304 */
	const char *headers; /* more of them, each with its line end */
	GBytes *body;
	HttpManner manner;
} HttpAnswer;

HttpServer *http_server_new(void);
/* No more connections; those under way are broken off. */
void http_server_free(HttpServer *server);
guint16 http_server_port(const HttpServer *server);
/* http://127.0.0.1:PORT and path. Yours. */
char *http_server_url(const HttpServer *server, const char *path);
/* From now on; all is copied. Other paths get 404. */
void http_server_set(
    HttpServer *server, const char *path, const HttpAnswer *answer);
void http_server_release(HttpServer *server);
/* Requests for path so far. */
guint http_server_count(HttpServer *server, const char *path);
/* Waits for the first one. */
void http_server_await(HttpServer *server, const char *path);
/* The head of the last one. Yours. */
char *http_server_request(HttpServer *server, const char *path);

#endif
