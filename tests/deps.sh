#!/bin/sh
# Installs the Debian packages that are missing:  deps.sh build|check
# Silent and quick when nothing is. With sudo only when not root.
set -eu

packages="gcc libc6-dev make pkgconf libevent-dev libssl-dev libsqlite3-dev libcjson-dev libopenblas-dev liblapacke-dev zlib1g-dev"
if [ "${1:-check}" = check ]; then
    packages="$packages clang libclang-rt-dev libcmocka-dev sqlite3 python3 iproute2 procps openssl"
    packages="$packages munge slurmctld slurmd slurm-client"
fi

if ! command -v dpkg-query >/dev/null; then
    echo "deps: this is not Debian; needed are, by their names there: $packages" >&2
    exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null || true)
missing=
for package in $packages; do
    case "
$installed
" in
    *"
installed $package
"*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

echo "deps: installing missing packages:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null; then
        echo "deps: neither root nor sudo; as root, run:  apt-get install$missing" >&2
        exit 1
    fi
fi
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
