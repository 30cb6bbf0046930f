/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The download itself, by libcurl. Whoever named the URL is not trusted, nor is
 * the server: http and https only, no user names in URLs, no cookies, no
 * decoding of contents (a small body stays small), every size and time has an
 * end. Each connection's address is judged after DNS, when libcurl is about to
 * open the socket; redirects are followed here, one by one, so that each URL is
 * judged as well.
 *
 * The proxy of the usual environment variables is used, as the administrator
 * says there. Its own address is allowed wherever it is; which names it
 * resolves to what, we cannot see: then only literal addresses and local names
 * are refused, the rest is the proxy's own access list.
 */
#include "config.h"

#include "store/fetch-http.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "store/fetch-address.h"

#define CONNECT_SECONDS 10L
/* Slower than this many bytes a second for so long is given up. */
#define SLOW_BYTES 100L
#define SLOW_SECONDS 20L

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURLU, curl_url_cleanup)
typedef struct curl_slist CurlList;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CurlList, curl_slist_free_all)
typedef struct addrinfo AddressList;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AddressList, freeaddrinfo)

/* What curl's functions share during one request. */
typedef struct {
	const FetchRequest *request;
	CURL *curl;
	const AddressList *proxy; /* its addresses; NULL: there is none */
	FetchResult *result;
	bool too_large;
	bool not_global;
	int write_errno;
} Transfer;

static void
start_library(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool
is_proxy(const Transfer *transfer, const struct curl_sockaddr *address)
{
	for (const AddressList *at = transfer->proxy; at != NULL;
	     at = at->ai_next) {
		if (at->ai_addrlen == address->addrlen &&
		    memcmp(at->ai_addr, &address->addr, at->ai_addrlen) == 0) {
			return true;
		}
	}
	return false;
}

static curl_socket_t
open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	Transfer *transfer = data;

	(void)purpose;
	if (!transfer->request->private_hosts &&
	    !fetch_address_is_global(&address->addr) &&
	    !is_proxy(transfer, address)) {
		transfer->not_global = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

static long
status_of(CURL *curl)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* The body of any other answer than 200 is passed over, but counts. */
static size_t
take_body(char *data, size_t size, size_t count, void *user)
{
	Transfer *transfer = user;
	gsize length = size * count;

	if ((gint64)length >
	    transfer->request->max_size - transfer->result->size) {
		transfer->too_large = true;
		return 0;
	}
	transfer->result->size += (gint64)length;
	if (status_of(transfer->curl) == 200 &&
	    !file_write_all(transfer->request->file, data, length)) {
		transfer->write_errno = errno;
		return 0;
	}
	return length;
}

/* The value of a header field of this name; NULL: another one, or one that is
 * better not kept. */
static char *
field_value(const char *data, gsize length, const char *name)
{
	gsize start = strlen(name);
	char *value = NULL;

	if (length <= start || length > FETCH_HTTP_VALIDATOR_MAX ||
	    g_ascii_strncasecmp(data, name, start) != 0) {
		return NULL;
	}
	value = g_strstrip(g_strndup(data + start, length - start));
	for (const char *at = value; *at != '\0'; at++) {
		if (*at < 0x20 || *at > 0x7e) {
			*value = '\0';
		}
	}
	if (*value == '\0') {
		g_clear_pointer(&value, g_free);
	}
	return value;
}

static void
keep_value(char **place, char *value)
{
	if (value != NULL) {
		g_free(*place);
		*place = value;
	}
}

static size_t
take_header(char *data, size_t size, size_t count, void *user)
{
	Transfer *transfer = user;
	gsize length = size * count;

	keep_value(&transfer->result->etag, field_value(data, length, "etag:"));
	keep_value(&transfer->result->last_modified,
	    field_value(data, length, "last-modified:"));
	return length;
}

static int
ask_stop(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total,
    curl_off_t up_now)
{
	const Transfer *transfer = data;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up_now;
	return transfer->request->stop != NULL &&
	    __atomic_load_n(transfer->request->stop, __ATOMIC_ACQUIRE) != 0;
}

/* A validator that is not one line of text is not sent. */
static CurlList *
append_header(CurlList *list, const char *name, const char *value)
{
	g_autofree char *line = NULL;

	if (value == NULL) {
		return list;
	}
	for (const char *at = value; *at != '\0'; at++) {
		if (*at < 0x20 || *at > 0x7e) {
			return list;
		}
	}
	line = g_strconcat(name, ": ", value, NULL);
	return curl_slist_append(list, line);
}

static CurlList *
headers_of(const FetchRequest *request)
{
	CurlList *list = append_header(NULL, "If-None-Match", request->etag);

	list = append_header(list, "If-Modified-Since", request->last_modified);
	return curl_slist_append(
	    list, "Accept: application/pkix-crl, */*;q=0.5");
}

static void
set_callbacks(CURL *curl, Transfer *transfer)
{
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, ask_stop);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static void
set_limits(CURL *curl, const FetchRequest *request)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(
	    curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_size);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(
	    curl, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
}

static void
refuse(const char *what, const char *why, GError **error)
{
	g_autofree char *clean = text_clean(what, 200);

	g_set_error(error, ERROR_DOMAIN, ERROR_REFUSED, "%s: %s", clean, why);
}

/* As curl chooses it: upper case does not count for http, which CGI sets. */
static const char *
proxy_of(const char *scheme)
{
	const char *value = NULL;

	if (g_str_equal(scheme, "http")) {
		value = g_getenv("http_proxy");
	} else {
		value = g_getenv("https_proxy");
		value = value != NULL ? value : g_getenv("HTTPS_PROXY");
	}
	value = value != NULL ? value : g_getenv("all_proxy");
	value = value != NULL ? value : g_getenv("ALL_PROXY");
	return value != NULL && *value != '\0' ? value : NULL;
}

/* NULL: a proxy that cannot be found has no address. */
static AddressList *
find_proxy(const char *proxy)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	g_autoptr(CURLU) parsed = curl_url();
	AddressList *found = NULL;
	char *host = NULL;
	char *port = NULL;

	if (curl_url_set(parsed, CURLUPART_URL, proxy,
		CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		/* 1080 is what curl takes for a proxy without a port. */
		(void)curl_url_get(parsed, CURLUPART_PORT, &port, 0);
		if (getaddrinfo(host, port != NULL ? port : "1080", &hints,
			&found) != 0) {
			found = NULL;
		}
	}
	curl_free(host);
	curl_free(port);
	return found;
}

/* What curl makes of a URL; to be freed by curl_free(). NULL: it has none. */
static char *
part_of(CURLU *url, CURLUPart part)
{
	char *text = NULL;

	return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* That a URL with these parts may be asked. */
static bool
judge_parts(const char *scheme, const char *host, const FetchRequest *request,
    GError **error)
{
	if (!g_str_equal(scheme, "http") && !g_str_equal(scheme, "https")) {
		refuse(scheme, "neither http nor https", error);
		return false;
	}
	if (host == NULL) {
		refuse(scheme, "a URL without a host", error);
		return false;
	}
	if (!request->private_hosts &&
	    !fetch_address_host_may_be_global(host)) {
		refuse(host,
		    "not on the public internet; revocation.private_hosts "
		    "would allow it",
		    error);
		return false;
	}
	return true;
}

/* That the URL itself may be asked; finds its proxy. */
static bool
judge_url(const char *url, const FetchRequest *request, AddressList **proxy_out,
    GError **error)
{
	g_autoptr(CURLU) parsed = curl_url();
	const char *proxy = NULL;
	char *scheme = NULL;
	char *host = NULL;
	bool may = false;

	if (curl_url_set(parsed, CURLUPART_URL, url,
		CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
		refuse(url, "not a URL", error);
		return false;
	}
	scheme = part_of(parsed, CURLUPART_SCHEME);
	host = part_of(parsed, CURLUPART_HOST);
	may = judge_parts(scheme != NULL ? scheme : "", host, request, error);
	if (may) {
		proxy = proxy_of(scheme);
		*proxy_out = proxy != NULL ? find_proxy(proxy) : NULL;
	}
	curl_free(scheme);
	curl_free(host);
	return may;
}

static bool
explain_failure(
    const Transfer *transfer, CURLcode code, const char *said, GError **error)
{
	if (transfer->too_large || code == CURLE_FILESIZE_EXCEEDED) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "larger than %" G_GINT64_FORMAT
		    " bytes (revocation.max_size)",
		    transfer->request->max_size);
	} else if (transfer->write_errno != 0) {
		errno = transfer->write_errno;
		error_set_errno(error, "the download cannot be written");
	} else if (transfer->not_global && code == CURLE_COULDNT_CONNECT) {
		g_set_error(error, ERROR_DOMAIN, ERROR_REFUSED,
		    "its server's address is not on the public internet; "
		    "revocation.private_hosts would allow it");
	} else {
		g_autofree char *clean = text_clean(
		    *said != '\0' ? said : curl_easy_strerror(code), 200);

		g_set_error(error, ERROR_DOMAIN,
		    code == CURLE_UNSUPPORTED_PROTOCOL ||
			    code == CURLE_LOGIN_DENIED
			? ERROR_REFUSED
			: ERROR_IO,
		    "%s", clean);
	}
	return false;
}

/* Time that is left, in milliseconds; 0 would be no limit for curl. */
static long
left_ms(gint64 deadline)
{
	return (long)MAX((deadline - g_get_monotonic_time()) / 1000, 1);
}

/* One URL, without what it redirects to. */
static bool
ask(Transfer *transfer, const char *url, gint64 deadline, GError **error)
{
	g_autoptr(CurlList) headers = headers_of(transfer->request);
	char said[CURL_ERROR_SIZE] = "";
	CURL *curl = transfer->curl;
	CURLcode code = CURLE_OK;

	fetch_result_clear(transfer->result);
	transfer->not_global = false;
	curl_easy_reset(curl);
	set_callbacks(curl, transfer);
	set_limits(curl, transfer->request);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms(deadline));
	code = curl_easy_setopt(curl, CURLOPT_URL, url);
	if (code == CURLE_OK) {
		code = curl_easy_perform(curl);
	}
	return code == CURLE_OK || explain_failure(transfer, code, said, error);
}

/* NULL: this answer is the last. */
static char *
redirect_of(CURL *curl)
{
	char *url = NULL;
	long status = status_of(curl);

	if (status < 300 || status > 399 || status == 304) {
		return NULL;
	}
	curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &url);
	return g_strdup(url);
}

static bool
conclude(Transfer *transfer, GError **error)
{
	const FetchRequest *request = transfer->request;
	long status = status_of(transfer->curl);

	if (status == 304 &&
	    (request->etag != NULL || request->last_modified != NULL)) {
		transfer->result->unchanged = true;
		return true;
	}
	if (status != 200) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "the server answered %ld", status);
		return false;
	}
	return true;
}

static bool
follow(Transfer *transfer, GError **error)
{
	gint64 deadline = g_get_monotonic_time() +
	    transfer->request->seconds * G_USEC_PER_SEC;
	g_autofree char *url = g_strdup(transfer->request->url);

	for (guint i = 0; i <= FETCH_HTTP_REDIRECTS; i++) {
		g_autoptr(AddressList) proxy = NULL;
		char *next = NULL;

		if (!judge_url(url, transfer->request, &proxy, error)) {
			return false;
		}
		transfer->proxy = proxy;
		if (!ask(transfer, url, deadline, error)) {
			return false;
		}
		next = redirect_of(transfer->curl);
		if (next == NULL) {
			return conclude(transfer, error);
		}
		g_free(url);
		url = next;
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_REFUSED,
	    "more than %d redirects", FETCH_HTTP_REDIRECTS);
	return false;
}

bool
fetch_http(const FetchRequest *request, FetchResult *result_out, GError **error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	g_autoptr(CURL) curl = NULL;
	g_auto(FetchResult) result = { 0 };
	Transfer transfer = { .request = request, .result = &result };

	pthread_once(&once, start_library);
	curl = curl_easy_init();
	if (curl == NULL) {
		g_set_error(
		    error, ERROR_DOMAIN, ERROR_IO, "libcurl cannot begin");
		return false;
	}
	transfer.curl = curl;
	if (!follow(&transfer, error)) {
		return false;
	}
	*result_out = result;
	result = (FetchResult){ 0 };
	return true;
}

void
fetch_result_clear(FetchResult *result)
{
	g_clear_pointer(&result->etag, g_free);
	g_clear_pointer(&result->last_modified, g_free);
	result->size = 0;
	result->unchanged = false;
}
