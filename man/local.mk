dist_man_MANS =
dist_man_MANS += man/smime-milter.conf.5
dist_man_MANS += man/smimectl.1
dist_man_MANS += man/smime-milter.8
