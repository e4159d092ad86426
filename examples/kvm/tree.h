/* Writes a flattened device tree, in the order of its nodes. */
#ifndef TREE_H
#define TREE_H

#include "sys.h"

struct tree {
    u8 *at;
    u64 structure; /* bytes of it so far */
    u64 strings;
};

#define TREE_SIZE 8192

/* Begin one in TREE_SIZE zero bytes. */
void tree_begin(struct tree *tree, void *at);
void tree_node(struct tree *tree, const char *name);
void tree_end_node(struct tree *tree);
void tree_text(struct tree *tree, const char *name, const char *text);
void tree_words(struct tree *tree, const char *name, u32 count, const u32 *words);
void tree_number(struct tree *tree, const char *name, u32 value);
void tree_pair(struct tree *tree, const char *name, u64 first, u64 second);
/* Finish it. */
void tree_end(struct tree *tree);

#endif
