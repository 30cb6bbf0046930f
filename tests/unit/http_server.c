/* SPDX-License-Identifier: Apache-2.0 */
/* See http_server.h. */
#include "config.h"

#include "http_server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
	int status;
	char *etag;
	char *headers;
	GBytes *body;
	HttpManner manner;
	guint count;
	char *request;
} Page;

struct HttpServer {
	int listener;
	guint16 port;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* All below is guarded by lock. */
	GHashTable *pages; /* by path */
	GArray *clients;   /* of pthread_t */
	gboolean released;
	gboolean ending;
};

typedef struct {
	HttpServer *server;
	int fd;
} Client;

static void
free_page(gpointer data)
{
	Page *page = data;

	g_free(page->etag);
	g_free(page->headers);
	g_free(page->request);
	g_clear_pointer(&page->body, g_bytes_unref);
	g_free(page);
}

static gboolean
send_all(int fd, const void *data, gsize length)
{
	const char *at = data;

	while (length > 0) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);

		if (sent <= 0) {
			return FALSE;
		}
		at += sent;
		length -= (gsize)sent;
	}
	return TRUE;
}

static gboolean
is_ending(HttpServer *server)
{
	gboolean ending;

	pthread_mutex_lock(&server->lock);
	ending = server->ending;
	pthread_mutex_unlock(&server->lock);
	return ending;
}

/* Under the lock. */
static void
hold(HttpServer *server, HttpManner manner)
{
	while (!server->ending &&
	    (manner == HTTP_SILENT ||
		(manner == HTTP_HELD && !server->released))) {
		pthread_cond_wait(&server->changed, &server->lock);
	}
}

static void
send_page(HttpServer *server, int fd, const Page *page, gboolean same)
{
	gsize length = 0;
	const void *body =
	    page->body != NULL ? g_bytes_get_data(page->body, &length) : NULL;
	g_autoptr(GString) head = g_string_new(NULL);

	g_string_append_printf(head,
	    "HTTP/1.1 %d Said\r\nConnection: close\r\n",
	    same                    ? 304
		: page->status != 0 ? page->status
				    : 200);
	if (page->etag != NULL) {
		g_string_append_printf(head, "ETag: %s\r\n", page->etag);
	}
	if (page->manner != HTTP_ENDLESS && !same) {
		g_string_append_printf(
		    head, "Content-Length: %" G_GSIZE_FORMAT "\r\n", length);
	}
	g_string_append_printf(
	    head, "%s\r\n", page->headers != NULL ? page->headers : "");
	if (!send_all(fd, head->str, head->len) || same) {
		return;
	}
	while (send_all(fd, body, length) && page->manner == HTTP_ENDLESS &&
	    !is_ending(server)) {
		continue;
	}
}

/* A copy of the page, after what it waits for; NULL: there is none. */
static Page *
take_page(HttpServer *server, const char *path, const char *request)
{
	Page *page;
	Page *copy = NULL;

	pthread_mutex_lock(&server->lock);
	page = g_hash_table_lookup(server->pages, path);
	if (page != NULL) {
		page->count++;
		g_free(page->request);
		page->request = g_strdup(request);
		copy = g_new0(Page, 1);
		copy->status = page->status;
		copy->etag = g_strdup(page->etag);
		copy->headers = g_strdup(page->headers);
		copy->body =
		    page->body != NULL ? g_bytes_ref(page->body) : NULL;
		copy->manner = page->manner;
		pthread_cond_broadcast(&server->changed);
		hold(server, copy->manner);
	}
	pthread_mutex_unlock(&server->lock);
	return copy;
}

static void
answer(HttpServer *server, int fd, const char *request)
{
	g_auto(GStrv) words = g_strsplit(request, " ", 3);
	Page *page;

	if (g_strv_length(words) < 3) {
		return;
	}
	page = take_page(server, words[1], request);
	if (page == NULL) {
		static const char none[] =
		    "HTTP/1.1 404 None\r\nContent-Length: 4\r\n"
		    "Connection: close\r\n\r\nnone";

		send_all(fd, none, strlen(none));
		return;
	}
	if (page->manner != HTTP_SILENT) {
		send_page(server, fd, page,
		    page->etag != NULL && strstr(request, page->etag) != NULL);
	}
	free_page(page);
}

static void *
serve(void *data)
{
	Client *client = data;
	g_autoptr(GString) request = g_string_new(NULL);
	char byte;

	while (recv(client->fd, &byte, 1, 0) == 1) {
		g_string_append_c(request, byte);
		if (g_str_has_suffix(request->str, "\r\n\r\n")) {
			answer(client->server, client->fd, request->str);
			break;
		}
	}
	close(client->fd);
	g_free(client);
	return NULL;
}

static void *
run(void *data)
{
	HttpServer *server = data;
	int fd;

	while (
	    (fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		Client *client = g_new0(Client, 1);
		pthread_t thread;

		client->server = server;
		client->fd = fd;
		g_assert_cmpint(
		    pthread_create(&thread, NULL, serve, client), ==, 0);
		pthread_mutex_lock(&server->lock);
		g_array_append_val(server->clients, thread);
		pthread_mutex_unlock(&server->lock);
	}
	return NULL;
}

HttpServer *
http_server_new(void)
{
	HttpServer *server = g_new0(HttpServer, 1);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;

	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->changed, NULL);
	server->pages =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_page);
	server->clients = g_array_new(FALSE, FALSE, sizeof(pthread_t));
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(
	    bind(server->listener, (struct sockaddr *)&address, sizeof address),
	    ==, 0);
	g_assert_cmpint(listen(server->listener, 64), ==, 0);
	g_assert_cmpint(
	    getsockname(server->listener, (struct sockaddr *)&address, &length),
	    ==, 0);
	server->port = ntohs(address.sin_port);
	g_assert_cmpint(
	    pthread_create(&server->thread, NULL, run, server), ==, 0);
	return server;
}

void
http_server_free(HttpServer *server)
{
	pthread_mutex_lock(&server->lock);
	server->ending = TRUE;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
	shutdown(server->listener, SHUT_RDWR);
	g_assert_cmpint(pthread_join(server->thread, NULL), ==, 0);
	close(server->listener);
	for (guint i = 0; i < server->clients->len; i++) {
		pthread_join(
		    g_array_index(server->clients, pthread_t, i), NULL);
	}
	g_array_unref(server->clients);
	g_hash_table_unref(server->pages);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->lock);
	g_free(server);
}

guint16
http_server_port(const HttpServer *server)
{
	return server->port;
}

char *
http_server_url(const HttpServer *server, const char *path)
{
	return g_strdup_printf("http://127.0.0.1:%u%s", server->port, path);
}

void
http_server_set(HttpServer *server, const char *path, const HttpAnswer *answer)
{
	Page *page = g_new0(Page, 1);
	const Page *before;

	page->status = answer->status;
	page->etag = g_strdup(answer->etag);
	page->headers = g_strdup(answer->headers);
	page->body = answer->body != NULL ? g_bytes_ref(answer->body) : NULL;
	page->manner = answer->manner;
	pthread_mutex_lock(&server->lock);
	before = g_hash_table_lookup(server->pages, path);
	if (before != NULL) {
		page->count = before->count;
		page->request = g_strdup(before->request);
	}
	g_hash_table_replace(server->pages, g_strdup(path), page);
	pthread_mutex_unlock(&server->lock);
}

void
http_server_release(HttpServer *server)
{
	pthread_mutex_lock(&server->lock);
	server->released = TRUE;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

guint
http_server_count(HttpServer *server, const char *path)
{
	const Page *page;
	guint count;

	pthread_mutex_lock(&server->lock);
	page = g_hash_table_lookup(server->pages, path);
	count = page != NULL ? page->count : 0;
	pthread_mutex_unlock(&server->lock);
	return count;
}

void
http_server_await(HttpServer *server, const char *path)
{
	const Page *page;

	pthread_mutex_lock(&server->lock);
	while ((page = g_hash_table_lookup(server->pages, path)) == NULL ||
	    page->count == 0) {
		pthread_cond_wait(&server->changed, &server->lock);
	}
	pthread_mutex_unlock(&server->lock);
}

char *
http_server_request(HttpServer *server, const char *path)
{
	const Page *page;
	char *request;

	pthread_mutex_lock(&server->lock);
	page = g_hash_table_lookup(server->pages, path);
	request = page != NULL ? g_strdup(page->request) : NULL;
	pthread_mutex_unlock(&server->lock);
	return request;
}
