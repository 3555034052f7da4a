#!/bin/sh
# Installs the system packages that Ripieno needs, where this user may; otherwise prints the one line to run.
#
#   packaging/system-packages.sh run         what the window and the sound need
#   packaging/system-packages.sh test        that, and a screen and a sound card made of software for the tests
set -eu

run="python3-venv libportaudio2 libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1
     libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
     libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 fonts-dejavu-core"
test="xvfb xauth pulseaudio pulseaudio-utils libasound2-plugins"

case "${1:-run}" in
    run) wanted=$run ;;
    test) wanted="$run $test" ;;
    *) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "This system is not Debian or Ubuntu: PortAudio and Qt's xcb libraries must be there already." >&2
    exit 0
fi

missing=""
for package in $wanted; do
    # A Python that is not Debian's brings its own venv.
    if [ "$package" = python3-venv ] && ${PYTHON:-python3} -c 'import ensurepip' 2>/dev/null; then continue; fi
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
# Its name differs between releases; apt finds it under the old one.
/sbin/ldconfig -p 2>/dev/null | grep -q 'libglib-2.0.so.0' || missing="$missing libglib2.0-0"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then as_root=""
elif sudo -n true 2>/dev/null; then as_root="sudo"
else
    echo "Ripieno needs some system packages. Please run this line, then make again:" >&2
    echo "    sudo apt-get update && sudo apt-get install -y$missing" >&2
    exit 1
fi
echo "Installing system packages:$missing" >&2
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
