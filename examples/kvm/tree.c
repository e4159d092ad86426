/* See tree.h; the format is that of the Devicetree Specification, version 17. */
#include "tree.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, END = 9 };
enum { HEADER = 40, RESERVATIONS = 16, STRUCTURE = HEADER + RESERVATIONS, STRINGS = 6144 };

static void put32(u8 *at, u32 value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (u8)(value >> (24 - 8 * i));
}

static void word(struct tree *tree, u32 value)
{
    put32(tree->at + STRUCTURE + tree->structure, value);
    tree->structure += 4;
}

static void bytes(struct tree *tree, const void *from, u64 size)
{
    copy(tree->at + STRUCTURE + tree->structure, from, size);
    tree->structure += (size + 3) & ~3UL;
    if (STRUCTURE + tree->structure + 64 > STRINGS)
        die("the guest's device tree is too long");
}

void tree_begin(struct tree *tree, void *at)
{
    tree->at = at;
    tree->structure = tree->strings = 0;
}

void tree_node(struct tree *tree, const char *name)
{
    word(tree, BEGIN_NODE);
    bytes(tree, name, text_length(name) + 1);
}

void tree_end_node(struct tree *tree) { word(tree, END_NODE); }

static void property(struct tree *tree, const char *name, const void *from, u64 size)
{
    word(tree, PROPERTY);
    word(tree, (u32)size);
    word(tree, (u32)tree->strings);
    bytes(tree, from, size);
    copy(tree->at + STRINGS + tree->strings, name, text_length(name) + 1);
    tree->strings += text_length(name) + 1;
}

void tree_text(struct tree *tree, const char *name, const char *text)
{
    property(tree, name, text, text_length(text) + 1);
}

void tree_words(struct tree *tree, const char *name, u32 count, const u32 *words)
{
    u8 data[4 * 8];
    for (u32 i = 0; i < count && i < 8; i++)
        put32(data + 4 * i, words[i]);
    property(tree, name, data, 4UL * count);
}

void tree_number(struct tree *tree, const char *name, u32 value)
{
    tree_words(tree, name, 1, &value);
}

void tree_pair(struct tree *tree, const char *name, u64 first, u64 second)
{
    const u32 words[] = {(u32)(first >> 32), (u32)first, (u32)(second >> 32), (u32)second};
    tree_words(tree, name, 4, words);
}

void tree_end(struct tree *tree)
{
    word(tree, END);
    const u32 header[] = {
        0xd00dfeed, TREE_SIZE, STRUCTURE, STRINGS, HEADER, 17, 16, 0,
        (u32)tree->strings, (u32)tree->structure,
    };
    for (u32 i = 0; i < sizeof header / sizeof *header; i++)
        put32(tree->at + 4 * i, header[i]);
}
