/* SPDX-License-Identifier: MIT */
/*
 * hash.c - /sha256/PATH
 *
 * A large file takes seconds. It is hashed piece by piece, each piece a
 * job of its own, so that one worker can serve many requests in turn.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"
#include "exchange.h"
#include "offload.h"
#include "route.h"

#define HASH_STEP (1024 * 1024)
#define READ_SIZE (64 * 1024)

/* Looked up once: that costs more than hashing a small file. */
static EVP_MD *sha256;

/* connection->content; travels with the baton */
struct hash {
	EVP_MD_CTX *context;
	int file;
};

/* Fills in the response, which ends the sequence of jobs. */
static void give_up(struct connection *connection, int error)
{
	response_errno(&connection->response, error);
}

static void conclude(struct connection *connection)
{
	struct hash *hash = connection->content;
	struct response *response = &connection->response;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length;
	FILE *out;

	if (EVP_DigestFinal_ex(hash->context, digest, &length) != 1) {
		give_up(connection, ENOMEM);
		return;
	}
	out = response_open(response, "text/plain; charset=utf-8");
	if (out == NULL)
		return;
	for (unsigned i = 0; i < length; i++)
		fprintf(out, "%02x", digest[i]);
	fprintf(out, "  %s\n", connection->name);
	response_close(response, out, HTTP_STATUS_OK);
}

static void hash_piece(struct connection *connection)
{
	struct hash *hash = connection->content;
	unsigned char buffer[READ_SIZE];

	for (size_t done = 0; done < HASH_STEP;) {
		ssize_t n = read(hash->file, buffer, sizeof(buffer));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			give_up(connection, errno);
			return;
		}
		if (n == 0) {
			conclude(connection);
			return;
		}
		if (EVP_DigestUpdate(hash->context, buffer, (size_t)n) != 1) {
			give_up(connection, ENOMEM);
			return;
		}
		done += (size_t)n;
	}
}

static void open_and_hash(struct connection *connection)
{
	struct hash *hash = connection->content;
	struct stat stat;

	hash->file = files_open(connection, connection->name);
	if (hash->file == -1) {
		give_up(connection, errno);
		return;
	}
	if (fstat(hash->file, &stat) != 0 || !S_ISREG(stat.st_mode)) {
		give_up(connection, ENOENT);
		return;
	}
	hash->context = EVP_MD_CTX_new();
	if (hash->context == NULL ||
	    EVP_DigestInit_ex(hash->context, sha256, NULL) != 1) {
		give_up(connection, ENOMEM);
		return;
	}
	hash_piece(connection);
}

static void drop(struct connection *connection)
{
	struct hash *hash = connection->content;

	EVP_MD_CTX_free(hash->context);
	if (hash->file != -1)
		close(hash->file);
	free(hash);
	connection->content = NULL;
}

static void hashed_piece(struct connection *connection)
{
	if (connection->response.status == 0 && !connection->doomed) {
		offload(connection, hash_piece, hashed_piece);
		return;
	}
	drop(connection);
	exchange_respond(connection);
}

int hash_setup(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return sha256 == NULL ? -1 : 0;
}

void hash_teardown(void)
{
	EVP_MD_free(sha256);
}

void hash_begin(struct connection *connection)
{
	struct hash *hash = calloc(1, sizeof(*hash));

	if (hash == NULL) {
		exchange_respond(connection);
		return;
	}
	hash->file = -1;
	connection->content = hash;
	offload(connection, open_and_hash, hashed_piece);
}
