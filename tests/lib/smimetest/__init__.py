# SPDX-License-Identifier: Apache-2.0
"""What the tests with real mail servers share.

Each module is one noun: a place in the file system (place), an MTA (postfix,
sendmail), a far end (sink), a client (submit), our daemon (milter), the
milter protocol without an MTA (milterclient), keys (pki), mail as raw bytes
(rawmail), mails to send (corpus), and the whole set up together (world).

Standard library only, everything on 127.0.0.1, nothing left behind.
"""
