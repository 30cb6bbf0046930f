/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail as explain and process get it: the envelope from the options, the
 * message from a file, and what the engine makes of them.
 */
#ifndef CTL_MAIL_H
#define CTL_MAIL_H

#include <glib.h>
#include <stdbool.h>

#include "ctl/command.h"
#include "gateway/gateway.h"
#include "mime/message.h"

typedef struct {
	Envelope *envelope;
	Message *message;
	AddressFrom from;
	bool crlf; /* the line end that the file has */
} Mail;

/* Before anything is read. ERROR_USAGE: --from or --rcpt is missing or no
 * address, --client no IP address. */
bool mail_check_options(const Command *command, GError **error);

/*
 * After mail_check_options(). raw: NULL makes an empty message from the
 * envelope's sender to its recipients.
 */
Mail *mail_new(const Command *command, GBytes *raw);
void mail_free(Mail *mail);

/* The engine with the settings of command_enter(). Makes no directory: a spool
 * that the daemon has not made yet is replaced by the one for temporary files.
 */
Gateway *mail_gateway(Command *command);

/* What the daemon would do: its limits first, then the engine. transfer full;
 * mail must outlive it. */
Outcome *mail_process(const Mail *mail, Gateway *gateway);

/* The lists signatures and harvested as --json has them (DESIGN 5). */
void mail_report_inbound(Report *report, const Outcome *outcome);

/* The members of a plan as --json has them (DESIGN 5), without the braces. */
void mail_report_plan(Report *report, const PlanReport *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mail, mail_free)

#endif
