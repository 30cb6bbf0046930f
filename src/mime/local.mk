noinst_LIBRARIES += src/mime/libmime.a
src_mime_libmime_a_SOURCES = \
	src/mime/address.c src/mime/address.h \
	src/mime/authres.c src/mime/authres.h \
	src/mime/block.c src/mime/block.h \
	src/mime/date.c src/mime/date.h \
	src/mime/edits.c src/mime/edits.h \
	src/mime/entity.c src/mime/entity.h \
	src/mime/fields.c src/mime/fields.h \
	src/mime/gmime-init.h \
	src/mime/hazards.c src/mime/hazards.h \
	src/mime/headers.c src/mime/headers.h \
	src/mime/layers.c src/mime/layers.h \
	src/mime/mailbox.c src/mime/mailbox.h \
	src/mime/message.c src/mime/message.h \
	src/mime/remedies-apply.c src/mime/remedies.c src/mime/remedies.h \
	src/mime/rewrites.c src/mime/rewrites.h \
	src/mime/structure.c src/mime/structure.h \
	src/mime/subject.c src/mime/subject.h \
	src/mime/transfer.c src/mime/transfer.h \
	src/mime/wrap.c src/mime/wrap.h
src_mime_libmime_a_CFLAGS = $(AM_CFLAGS) $(GMIME_CFLAGS)
