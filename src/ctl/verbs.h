/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each row of the verb table in main.c; each is a CommandRun.
 * Their contract is the manual page. */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/command.h"

int check_run(Command *command, GError **error);
int explain_run(Command *command, GError **error);
int process_run(Command *command, GError **error);
int verify_run(Command *command, GError **error);
int inspect_run(Command *command, GError **error);
int cert_approve(Command *command, GError **error);
int cert_block(Command *command, GError **error);
int cert_export(Command *command, GError **error);
int cert_import(Command *command, GError **error);
int cert_list(Command *command, GError **error);
int cert_pending(Command *command, GError **error);
int cert_pin(Command *command, GError **error);
int cert_remove(Command *command, GError **error);
int cert_show(Command *command, GError **error);
int cert_unpin(Command *command, GError **error);
int crl_import(Command *command, GError **error);
int crl_list(Command *command, GError **error);
int crl_refresh(Command *command, GError **error);
int key_import(Command *command, GError **error);
int key_list(Command *command, GError **error);
int key_remove(Command *command, GError **error);
int trust_add(Command *command, GError **error);
int trust_list(Command *command, GError **error);
int trust_remove(Command *command, GError **error);

#endif
