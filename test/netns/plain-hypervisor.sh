#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs one hypervisor of a segue network by plain ip, nft and sysctl commands: the reference that segue is compared
# with, and the foreign peer it must interoperate with. Runs inside the hypervisor's network namespace:
#
#   ip netns exec hv2 env LOCATOR=fd00:5e:2::/48 UPLINKS=eth0 test/netns/plain-hypervisor.sh < lines
#
# Environment
#   LOCATOR     the node's /48 (required)          SOURCE      outer source, default the locator's ::1
#   UPLINKS     underlay interfaces (required)     BLOCK       SID block, default fd00:5e::/32
#   BEHAVIOURS  dt46 (default) or "dt4 dt6"        MTU         tenant MTU for the MSS clamp, default 1460
#   GUARD       1 (default) or 0: without nftables PRINT       1: print the commands instead of running them
# Lines on standard input, tenants before what names them
#   tenant NAME ID PREFIX=GATEWAY...
#   port   TENANT INTERFACE MAC ADDRESS[,ADDRESS...] [PREFIX[,PREFIX...]]     the interface must exist
#   remote TENANT LOCATOR ADDRESS|PREFIX[,...] [SEGMENT[,SEGMENT...]]         transit segments before the tenant's SID
# The commands are collected and run in few batches, since each process costs 0.1 s in an emulated VM.
# What each is for: docs/kernel.md.
set -euo pipefail

own_locator=${LOCATOR:?}
readonly block=${BLOCK:-fd00:5e::/32} uplinks=${UPLINKS:?} behaviours=${BEHAVIOURS:-dt46}
readonly own_locator source=${SOURCE:-${own_locator%/*}1} guard=${GUARD:-1} mtu=${MTU:-1460} print=${PRINT:-0}
readonly proto=94 unreachable_metric=4278198272
readonly -A behaviour_code=([dt4]=04 [dt6]=06 [dt46]=46) behaviour_name=([dt4]=End.DT4 [dt6]=End.DT6 [dt46]=End.DT46)
declare -A tenant_id tenant_subnets nexthop_of ports members6 own6
next_nexthop=$((0x5e000000))

# Collected commands. ip: either family by -4 or -6; link: ip of no family; nft; sysctl: "path value".
links=() ip4=() ip6=() nfts=() sysctls=()
link() { links+=("$*"); }
nft_element() { nfts+=("add element $*"); }
sysctl_set() { sysctls+=("$*"); }
ip_family() { # ip_family ADDRESS ARGUMENTS...
  local address=$1
  shift
  case $address in *:*) ip6+=("$*") ;; *) ip4+=("$*") ;; esac
}
# sid LOCATOR ID BEHAVIOUR: locator (48 bits), behaviour (8), tenant (24), zeros. Sets REPLY (no subshell).
sid() { printf -v REPLY '%s:%s%02x:%x::' "${1%::/48}" "${behaviour_code[$3]}" $(($2 >> 16)) $(($2 & 0xffff)); }

node() {
  local uplink accept
  for uplink in $uplinks; do
    # Before forwarding, or the uplink loses its default route from router advertisements at once.
    read -r accept <"/proc/sys/net/ipv6/conf/$uplink/accept_ra"
    [ "$accept" = 0 ] || sysctl_set "ipv6/conf/$uplink/accept_ra 2"
  done
  sysctl_set "ipv6/conf/all/forwarding 1"
  sysctl_set "ipv6/seg6_flowlabel 1"
  ip4+=("rule add pref 32765 lookup local protocol $proto" 'rule del pref 0')
  ip6+=("rule add pref 32765 lookup local protocol $proto" 'rule del pref 0')
  ip6+=("rule add pref 990 from $source to $block lookup main protocol $proto")
  ip6+=("rule add pref 991 l3mdev to $block unreachable protocol $proto")
  ip6+=("address add $source/128 dev lo nodad" "route add blackhole $own_locator proto $proto" "sr tunsrc set $source")
}

tenant() {
  local name=$1 id=$2 dev=sg-$2 table=$((0x5e000000 + $2)) behaviour subnet
  shift 2
  tenant_id[$name]=$id
  tenant_subnets[$name]="$*"
  nft_element "inet segue vrfs { \"$dev\" }"
  link "link add $dev type vrf table $table"
  link "link set $dev alias segue:$name up"
  sysctl_set "ipv4/conf/$dev/forwarding 1"
  sysctl_set "ipv4/conf/$dev/rp_filter 0"
  sysctl_set "ipv4/conf/$dev/accept_local 1" # ICMP errors from another hypervisor's equal gateway address
  for subnet in 0.0.0.0/0 ::/0 "$@"; do
    ip_family "$subnet" "route add unreachable ${subnet%=*} table $table metric $unreachable_metric proto $proto"
  done
  for behaviour in $behaviours; do
    sid "$own_locator" "$id" "$behaviour"
    ip6+=("route add $REPLY/128 encap seg6local action ${behaviour_name[$behaviour]} vrftable $table dev $dev proto $proto")
  done
}

port() {
  local tenant=$1 dev=$2 mac=$3 addresses=${4//,/ } prefixes=${5:-} id table subnet address prefix
  prefixes=${prefixes//,/ }
  id=${tenant_id[$tenant]}
  table=$((0x5e000000 + id))
  ports[$tenant]+=" $dev"
  guard_port "$dev" "$mac" "$addresses" "$prefixes"
  link "link set $dev master sg-$id up"
  sysctl_set "ipv4/conf/$dev/forwarding 1" # proxy ARP looks at the port's, not at the VRF's
  sysctl_set "ipv4/conf/$dev/rp_filter 0"
  sysctl_set "ipv4/conf/$dev/proxy_arp 1"
  sysctl_set "ipv4/neigh/$dev/proxy_delay 0"
  sysctl_set "ipv4/conf/$dev/send_redirects 0"
  sysctl_set "ipv6/conf/$dev/accept_ra 0"
  sysctl_set "ipv6/conf/$dev/proxy_ndp 1"
  sysctl_set "ipv6/neigh/$dev/proxy_delay 0"
  sysctl_set "ipv6/conf/$dev/keep_addr_on_down 1"
  for subnet in ${tenant_subnets[$tenant]}; do
    case $subnet in
      *:*) ip6+=("address add ${subnet#*=}/128 dev $dev nodad noprefixroute") ;;
      *) ip4+=("address add ${subnet#*=}/32 dev $dev noprefixroute") ;;
    esac
  done
  for address in $addresses; do
    case $address in *:*)
      members6[$tenant]+=" $address"
      own6[$dev]+=" $address"
      ;;
    esac
    ip_family "$address" "neighbour replace $address lladdr $mac dev $dev nud permanent protocol $proto"
    ip_family "$address" "route add $address dev $dev table $table proto $proto"
  done
  for prefix in $prefixes; do
    # The first address of the prefix's family is the VM that routes it.
    for address in $addresses; do
      case $prefix/$address in *:*/*:*) ;; *:*/* | */*:*) continue ;; esac
      ip_family "$prefix" "route add $prefix via $address dev $dev onlink table $table proto $proto"
      break
    done
  done
}

remote() {
  local tenant=$1 locator=$2 prefixes=${3//,/ } via=${4:-} id table prefix behaviour key
  id=${tenant_id[$tenant]}
  table=$((0x5e000000 + id))
  for prefix in $prefixes; do
    behaviour=$behaviours
    [ "$behaviours" = dt46 ] || case $prefix in *:*) behaviour=dt6 ;; *) behaviour=dt4 ;; esac
    case $prefix in *:*) key=6 ;; *) key=4 ;; esac
    sid "$locator" "$id" "$behaviour"
    key=$key/$REPLY/$via
    if [ -z "${nexthop_of[$key]:-}" ]; then
      nexthop_of[$key]=$next_nexthop
      next_nexthop=$((next_nexthop + 1))
      ip_family "$prefix" "nexthop add id ${nexthop_of[$key]} protocol $proto dev sg-$id" \
        "encap seg6 mode encap.red segs ${via:+$via,}$REPLY"
    fi
    ip_family "$prefix" "route add $prefix nhid ${nexthop_of[$key]} table $table proto $proto"
    case $prefix in
      */*) ;;
      *:*) members6[$tenant]+=" $prefix" ;;
    esac
  done
}

# Proxy NDP has no prefix form: on each port of a tenant, an entry for each other member.
proxy_neighbours() {
  local tenant dev address
  for tenant in "${!ports[@]}"; do
    for dev in ${ports[$tenant]}; do
      for address in ${members6[$tenant]:-}; do
        [[ " ${own6[$dev]:-} " == *" $address "* ]] || ip6+=("neighbour replace proxy $address dev $dev protocol $proto")
      done
    done
  done
}

guard_port() {
  local dev=$1 mac=$2 addresses=$3 prefixes=$4 address
  nft_element "inet segue ports { \"$dev\" }"
  nft_element "inet segue macs { \"$dev\" . $mac }"
  nft_element "inet segue mss4 { \"$dev\" : $((mtu - 40)) }"
  nft_element "inet segue mss6 { \"$dev\" : $((mtu - 60)) }"
  nft_element "arp segue ports { \"$dev\" }"
  # RFC 5227 probes have sender 0.0.0.0.
  nft_element "arp segue senders { \"$dev\" . $mac . 0.0.0.0 }"
  for address in $addresses; do
    case $address in
      *:*) nft_element "inet segue sources6 { \"$dev\" . $address }" ;;
      *)
        nft_element "inet segue sources4 { \"$dev\" . $address }"
        nft_element "arp segue senders { \"$dev\" . $mac . $address }"
        ;;
    esac
  done
  for address in $prefixes; do
    case $address in
      *:*) nft_element "inet segue prefixes6 { \"$dev\" . $address }" ;;
      *) nft_element "inet segue prefixes4 { \"$dev\" . $address }" ;;
    esac
  done
}

run() {
  local command=$1 line
  shift
  [ $# -gt 0 ] || return 0
  if [ "$print" = 1 ]; then
    printf "$command %s\n" "$@"
  elif [ "$command" = sysctl ]; then
    for line in "$@"; do echo "${line#* }" >"/proc/sys/net/${line% *}"; done
  elif [ "$command" = nft ]; then
    printf '%s\n' "$@" | nft -f -
  else
    printf '%s\n' "$@" | $command -batch -
  fi
}

nfts+=("include \"$(dirname "$(realpath "${BASH_SOURCE[0]}")")/guard.nft\"")
nft_element "inet segue block { $block }"
node
while read -r kind rest; do
  case $kind in
    '' | '#'*) ;;
    tenant | port | remote) $kind $rest ;; # split on purpose
    *)
      echo "plain-hypervisor: unknown line: $kind $rest" >&2
      exit 2
      ;;
  esac
done
proxy_neighbours

# The guard first: a port that is up but not yet in its VRF forwards through main.
[ "$guard" = 0 ] || run nft "${nfts[@]}"
[ -e /proc/sys/net/vrf/strict_mode ] || modprobe vrf
run sysctl 'vrf/strict_mode 1'
run ip "${links[@]}"
run sysctl "${sysctls[@]}"
run 'ip -4' "${ip4[@]}"
run 'ip -6' "${ip6[@]}"
