// SPDX-License-Identifier: Apache-2.0
// The contents of the programs' maps, in a file of the test that filled them, for the rules of check.h. Looked up by plain
// loops that share no code with bpf/. One fact per line:
//
//   node    SOURCE SIDBLOCK BITS UPLINKMAC            outer source; the block that no tenant may send to, or from
//   trusted PREFIX BITS                               a prefix with the same rule, whose addresses are outer sources, too
//   port    TENANT VMMAC OWNMAC MTU                   the port at which the port's programs run
//   permit  FAMILY BITS ADDRESS                       sources from which its VM may send
//   member  TENANT FAMILY BITS ADDRESS local VMMAC OWNMAC MTU
//   member  TENANT FAMILY BITS ADDRESS remote HOPMAC FIRST SRH     SRH: its bytes without the first, or -
//   sid     ADDRESS TENANT BEHAVIOUR
//   source  ADDRESS                                   outer source of another node
//   gateway FAMILY ADDRESS                            a gateway of the ports' VMs
#pragma once
#include "bytes.h"

enum { ROWS_MAX = 256, SRH_MAX = 64 };

struct member {
  unsigned tenant, family, bits, mtu, srh_bytes;
  u8 address[16], first[16], mac[6], own_mac[6], srh[SRH_MAX];
  int local;
};
struct permit {
  unsigned family, bits;
  u8 address[16];
};
struct sid {
  u8 address[16];
  unsigned tenant, behaviour;
};
struct gateway {
  unsigned family;
  u8 address[16];
};

static struct {
  u8 source[16], block[16], trusted[16], vm_mac[6], own_mac[6], uplink_mac[6];
  unsigned block_bits, trusted_bits, tenant, mtu, members, permits, sids, sources, gateways;
  struct member member[ROWS_MAX];
  struct permit permit[ROWS_MAX];
  struct sid sid[ROWS_MAX];
  u8 outer_source[ROWS_MAX][16];
  struct gateway gateway[ROWS_MAX];
} cloud;

static inline int is_within(const u8 *address, const u8 *prefix, unsigned bits) {
  if (memcmp(address, prefix, bits / 8)) return 0;
  return bits % 8 == 0 || !((address[bits / 8] ^ prefix[bits / 8]) >> (8 - bits % 8));
}

static inline const struct member *member_of(unsigned tenant, unsigned family, const u8 *address) {
  const struct member *best = NULL;
  for (unsigned i = 0; i < cloud.members; i++) {
    const struct member *one = &cloud.member[i];
    if (one->tenant != tenant || one->family != family || !is_within(address, one->address, one->bits)) continue;
    if (!best || one->bits > best->bits) best = one;
  }
  return best;
}

static inline int is_permitted(unsigned family, const u8 *address) {
  for (unsigned i = 0; i < cloud.permits; i++) {
    const struct permit *one = &cloud.permit[i];
    if (one->family == family && is_within(address, one->address, one->bits)) return 1;
  }
  return 0;
}

static inline const struct sid *sid_of(const u8 *address) {
  for (unsigned i = 0; i < cloud.sids; i++)
    if (!memcmp(cloud.sid[i].address, address, 16)) return &cloud.sid[i];
  return NULL;
}

static inline int is_outer_source(const u8 *address) {
  for (unsigned i = 0; i < cloud.sources; i++)
    if (!memcmp(cloud.outer_source[i], address, 16)) return 1;
  return cloud.trusted_bits && is_within(address, cloud.trusted, cloud.trusted_bits);
}

static inline int is_gateway(unsigned family, const u8 *address) {
  for (unsigned i = 0; i < cloud.gateways; i++)
    if (cloud.gateway[i].family == family && !memcmp(cloud.gateway[i].address, address, 16)) return 1;
  return 0;
}

static inline void read_member(char *word[], int words) {
  struct member *one = &cloud.member[cloud.members++];
  one->tenant = (unsigned)atoi(word[1]);
  one->family = (unsigned)atoi(word[2]);
  one->bits = (unsigned)atoi(word[3]);
  read_hex(word[4], one->address, 16);
  one->local = !strcmp(word[5], "local");
  read_hex(word[6], one->mac, 6);
  if (one->local) {
    read_hex(word[7], one->own_mac, 6);
    one->mtu = (unsigned)atoi(word[8]);
    return;
  }
  read_hex(word[7], one->first, 16);
  if (words < 9 || !strcmp(word[8], "-")) return;
  one->srh_bytes = (unsigned)strlen(word[8]) / 2 + 1;
  read_hex(word[8], one->srh + 1, one->srh_bytes - 1);
}

static inline void read_cloud(const char *path) {
  FILE *file = fopen(path, "r");
  char line[1024], *word[10];
  if (!file) {
    perror(path);
    exit(2);
  }
  while (fgets(line, sizeof line, file)) {
    int words = 0;
    for (char *at = strtok(line, " \n"); at && words < 10; at = strtok(NULL, " \n")) word[words++] = at;
    if (!words) continue;
    if (!strcmp(word[0], "node") && words == 5) {
      read_hex(word[1], cloud.source, 16);
      read_hex(word[2], cloud.block, 16);
      cloud.block_bits = (unsigned)atoi(word[3]);
      read_hex(word[4], cloud.uplink_mac, 6);
    } else if (!strcmp(word[0], "trusted") && words == 3) {
      read_hex(word[1], cloud.trusted, 16);
      cloud.trusted_bits = (unsigned)atoi(word[2]);
    } else if (!strcmp(word[0], "port") && words == 5) {
      cloud.tenant = (unsigned)atoi(word[1]);
      read_hex(word[2], cloud.vm_mac, 6);
      read_hex(word[3], cloud.own_mac, 6);
      cloud.mtu = (unsigned)atoi(word[4]);
    } else if (!strcmp(word[0], "permit") && words == 4 && cloud.permits < ROWS_MAX) {
      struct permit *one = &cloud.permit[cloud.permits++];
      one->family = (unsigned)atoi(word[1]);
      one->bits = (unsigned)atoi(word[2]);
      read_hex(word[3], one->address, 16);
    } else if (!strcmp(word[0], "member") && words == 9 && cloud.members < ROWS_MAX) {
      read_member(word, words);
    } else if (!strcmp(word[0], "sid") && words == 4 && cloud.sids < ROWS_MAX) {
      struct sid *one = &cloud.sid[cloud.sids++];
      read_hex(word[1], one->address, 16);
      one->tenant = (unsigned)atoi(word[2]);
      one->behaviour = (unsigned)atoi(word[3]);
    } else if (!strcmp(word[0], "source") && words == 2 && cloud.sources < ROWS_MAX) {
      read_hex(word[1], cloud.outer_source[cloud.sources++], 16);
    } else if (!strcmp(word[0], "gateway") && words == 3 && cloud.gateways < ROWS_MAX) {
      struct gateway *one = &cloud.gateway[cloud.gateways++];
      one->family = (unsigned)atoi(word[1]);
      read_hex(word[2], one->address, 16);
    } else {
      fprintf(stderr, "fuzz: %s: a line begins with \"%s\" and has %d words: expected what cloud.h lists\n", path, word[0],
              words);
      exit(2);
    }
  }
  fclose(file);
}
