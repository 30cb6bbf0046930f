/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmilter has a thread of its own that waits with sigwait(3) for SIGHUP,
 * SIGTERM and SIGINT, and takes all three for "stop": with SIGHUP there is no
 * reloading, and with SIGTERM its workers drop the mails that are on their way.
 * A second thread of ours in sigwait(3) or at a signalfd(2) would share the
 * signals with it by chance, and a handler in a thread that does not block them
 * gets them nearly always, which is not enough. A process in front that hands
 * signals on would be one more thing to fail.
 *
 * So the program brings its own sigwait(): the linker gives a definition in the
 * program precedence over the C library's, also for calls out of libmilter.so
 * (or libmilter.a). libmilter's thread thus waits here, reloads as long as
 * SIGHUP comes, and hears of SIGTERM only when the mails under way have ended.
 * No other code of the program uses sigwait(3).
 */
#include "config.h"

#include "milter/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static const SignalHooks *signal_hooks;

void
signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void
signals_handle(const SignalHooks *hooks)
{
	signal_hooks = hooks;
}

int
sigwait(const sigset_t *set, int *sig)
{
	for (;;) {
		int got = sigwaitinfo(set, NULL);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return errno;
		}
		if (got == SIGHUP && signal_hooks != NULL) {
			signal_hooks->reload(signal_hooks->data);
			continue;
		}
		if (signal_hooks != NULL) {
			signal_hooks->stop(signal_hooks->data);
			/* SIGINT would have libmilter cut its connections. */
			got = SIGTERM;
		}
		*sig = got;
		return 0;
	}
}
