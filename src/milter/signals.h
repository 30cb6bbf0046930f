/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGHUP, SIGTERM and SIGINT of the daemon, beside libmilter's own handling of
 * them.
 */
#ifndef MILTER_SIGNALS_H
#define MILTER_SIGNALS_H

#include <glib.h>

typedef struct {
	void (*reload)(gpointer data); /* SIGHUP */
	void (*stop)(gpointer data);   /* SIGTERM, SIGINT; libmilter stops when
					  it returns */
	gpointer data;
} SignalHooks;

/* Before the first thread: the three stay pending until libmilter runs. */
void signals_block(void);

/* Before smfi_main(). The hooks are called one at a time, in libmilter's
 * signal thread; hooks is borrowed until smfi_main() has returned. */
void signals_handle(const SignalHooks *hooks);

#endif
