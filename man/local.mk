dist_man_MANS =
dist_man_MANS += man/smimectl.1
