/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of libmilter that src/milter calls, without a wire. A call
 * named in fails returns MI_FAILURE. smfi_setreply() has the rules of the real
 * one: digits, an enhanced code, no line end, at most 980 bytes.
 */
#include "config.h"

#include "fake_milter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "milter/callbacks.h"

SMFICTX *
fake_new(void)
{
	SMFICTX *ctx = g_new0(SMFICTX, 1);

	ctx->macros =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	ctx->calls = g_ptr_array_new_with_free_func(g_free);
	ctx->body = g_byte_array_new();
	ctx->body_places = g_ptr_array_new();
	return ctx;
}

void
fake_free(SMFICTX *ctx)
{
	g_hash_table_unref(ctx->macros);
	g_ptr_array_unref(ctx->calls);
	g_byte_array_unref(ctx->body);
	g_ptr_array_unref(ctx->body_places);
	g_free(ctx->reply);
	g_free(ctx);
}

sfsistat
fake_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps)
{
	unsigned long unused2, unused3;

	return callbacks_description.xxfi_negotiate(ctx, actions, steps, 0, 0,
	    &ctx->actions, &ctx->steps, &unused2, &unused3);
}

SMFICTX *
fake_open(unsigned long steps)
{
	SMFICTX *ctx = fake_new();

	g_assert_cmpint(
	    fake_negotiate(ctx, MTA_ACTIONS, steps), ==, SMFIS_CONTINUE);
	return ctx;
}

sfsistat
fake_connect(SMFICTX *ctx, const char *address)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr *given = NULL;

	if (address != NULL && strchr(address, ':') != NULL) {
		g_assert_cmpint(
		    inet_pton(AF_INET6, address, &six.sin6_addr), ==, 1);
		given = (struct sockaddr *)&six;
	} else if (address != NULL) {
		g_assert_cmpint(
		    inet_pton(AF_INET, address, &four.sin_addr), ==, 1);
		given = (struct sockaddr *)&four;
	}
	return callbacks_description.xxfi_connect(
	    ctx, (char *)"client.example", given);
}

static sfsistat
call_with_words(
    SMFICTX *ctx, const char *line, sfsistat (*callback)(SMFICTX *, char **))
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	return callback(ctx, words);
}

sfsistat
fake_mail(SMFICTX *ctx, const char *line)
{
	return call_with_words(ctx, line, callbacks_description.xxfi_envfrom);
}

sfsistat
fake_rcpt(SMFICTX *ctx, const char *line)
{
	return call_with_words(ctx, line, callbacks_description.xxfi_envrcpt);
}

sfsistat
fake_header(SMFICTX *ctx, const char *name, const char *value)
{
	g_autofree char *name_copy = g_strdup(name);
	g_autofree char *value_copy = g_strdup(value);

	return callbacks_description.xxfi_header(ctx, name_copy, value_copy);
}

sfsistat
fake_body(SMFICTX *ctx, const void *data, gsize length)
{
	g_autofree guint8 *copy = g_memdup2(data, length);

	return callbacks_description.xxfi_body(ctx, copy, length);
}

sfsistat
fake_eoh(SMFICTX *ctx)
{
	return callbacks_description.xxfi_eoh(ctx);
}

sfsistat
fake_eom(SMFICTX *ctx)
{
	return callbacks_description.xxfi_eom(ctx);
}

void
fake_close(SMFICTX *ctx)
{
	callbacks_description.xxfi_close(ctx);
	/* libmilter logs "private data not NULL". */
	g_assert_null(ctx->priv);
	fake_free(ctx);
}

void
fake_macro(SMFICTX *ctx, const char *name, const char *value)
{
	g_hash_table_insert(ctx->macros, g_strdup(name), g_strdup(value));
}

char *
fake_calls(SMFICTX *ctx)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < ctx->calls->len; i++) {
		g_string_append_printf(
		    text, "%s\n", (const char *)ctx->calls->pdata[i]);
	}
	g_ptr_array_set_size(ctx->calls, 0);
	return g_string_free(text, FALSE);
}

/* Takes line. */
static int
note(SMFICTX *ctx, char *line)
{
	gsize length = strcspn(line, " ");
	int result = MI_SUCCESS;

	if (ctx->fails != NULL && strlen(ctx->fails) == length &&
	    strncmp(line, ctx->fails, length) == 0) {
		result = MI_FAILURE;
	}
	g_ptr_array_add(ctx->calls, line);
	return result;
}

int
smfi_addheader(SMFICTX *ctx, char *name, char *value)
{
	return note(ctx, g_strdup_printf("addheader %s [%s]", name, value));
}

int
smfi_chgheader(SMFICTX *ctx, char *name, int occurrence, char *value)
{
	return note(ctx,
	    value == NULL
		? g_strdup_printf("chgheader %s %d NULL", name, occurrence)
		: g_strdup_printf(
		      "chgheader %s %d [%s]", name, occurrence, value));
}

int
smfi_insheader(SMFICTX *ctx, int position, char *name, char *value)
{
	return note(ctx,
	    g_strdup_printf("insheader %d %s [%s]", position, name, value));
}

int
smfi_delrcpt(SMFICTX *ctx, char *recipient)
{
	return note(ctx, g_strdup_printf("delrcpt %s", recipient));
}

int
smfi_replacebody(SMFICTX *ctx, unsigned char *data, int length)
{
	g_assert_nonnull(data);
	g_assert_cmpint(length, >=, 0);
	g_byte_array_append(ctx->body, data, (guint)length);
	g_ptr_array_add(ctx->body_places, data);
	return note(ctx, g_strdup_printf("replacebody %d", length));
}

int
smfi_progress(SMFICTX *ctx)
{
	atomic_fetch_add(&ctx->progress, 1);
	return MI_SUCCESS;
}

int
smfi_setreply(SMFICTX *ctx, char *code, char *enhanced, char *text)
{
	g_assert_cmpuint(strlen(code), ==, 3);
	g_assert_true(g_regex_match_simple(
	    "^[45]\\.[0-9]{1,3}\\.[0-9]{1,3}$", enhanced, 0, 0));
	g_assert_cmpint(code[0], ==, enhanced[0]);
	g_assert_cmpuint(strlen(text), <=, 980);
	g_assert_null(strpbrk(text, "\r\n"));
	g_free(ctx->reply);
	ctx->reply = g_strdup_printf("%s %s %s", code, enhanced, text);
	return MI_SUCCESS;
}

int
smfi_setpriv(SMFICTX *ctx, void *data)
{
	ctx->priv = data;
	return MI_SUCCESS;
}

void *
smfi_getpriv(SMFICTX *ctx)
{
	return ctx->priv;
}

char *
smfi_getsymval(SMFICTX *ctx, char *name)
{
	return g_hash_table_lookup(ctx->macros, name);
}
