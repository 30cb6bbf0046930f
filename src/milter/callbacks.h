/* SPDX-License-Identifier: Apache-2.0 */
/* The table that libmilter gets. */
#ifndef MILTER_CALLBACKS_H
#define MILTER_CALLBACKS_H

#include <libmilter/mfapi.h>

#include "milter/service.h"

#define CALLBACKS_NAME "smime-milter"

/* For smfi_register(). */
extern const struct smfiDesc callbacks_description;

/* Before the first connection; borrowed for ever. libmilter has no place for
 * data of a program in its calls. */
void callbacks_serve(Service *service);

#endif
