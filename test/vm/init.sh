#!/bin/busybox sh
# The first and only program of a guest under test. Takes commands from a port of its virtual machine and
# answers each when it has ended:
#   host to guest:  ID COMMAND          (the command in base64)
#   guest to host:  ready, then ID STATUS OUTPUT   (what it printed, in base64)
# Commands run beside each other. When the host hangs up the machine goes off: it outlives no test.

/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
# By number, so that each finds what it needs.
for module in /lib/modules/*.ko; do insmod "$module"; done

run() {
  echo "$2" | base64 -d > "/tmp/$1.sh"
  sh "/tmp/$1.sh" > "/tmp/$1.out" 2>&1 < /dev/null
  status=$?
  # Two answers at once would be mixed on the port.
  until mkdir /tmp/lock 2> /dev/null; do usleep 5000; done
  echo "$1 $status $(base64 -w 0 "/tmp/$1.out")" >&3
  rmdir /tmp/lock
  rm -f "/tmp/$1.sh" "/tmp/$1.out"
}

# The port is there a moment after its driver.
until (: 3<> /dev/vport0p1) 2> /dev/null; do usleep 10000; done
exec 3<> /dev/vport0p1
echo ready >&3
while read -r id command <&3; do run "$id" "$command" & done
poweroff -f
