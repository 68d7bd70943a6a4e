/* SPDX-License-Identifier: MIT */
/* listing.h - the page that shows a directory */
#ifndef SERVER_LISTING_H
#define SERVER_LISTING_H

struct response;

/* In a worker. Takes over the descriptor; name is only shown. */
void listing_write(struct response *response, int directory, const char *name);

#endif
