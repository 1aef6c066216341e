import Testing

/// The steps of pkg-watt-stat-powercap.service, taken as systemd takes them, in a mount namespace with a /run and a kernel's powercap of
/// its own.
@Suite(
  "The powercap tree's unit", .serialized, .enabled(if: Executables.hasTree, Comment(rawValue: Executables.needsTree)))
struct UnitTreeTests {
  /// Functions for the scripts below. Reading takes place as an ordinary user, and never for ever.
  private static let functions = """
    set -u; PATH=$PATH:/usr/sbin; PROGRAM=$0; SERVER=$1; FOLDER=/run/pkg-watt-stat/powercap; K=/sys/devices/virtual/powercap/intel-rapl
    mount -t tmpfs -o mode=755 none /run; mount -t tmpfs -o mode=1777 none /tmp; mount -t tmpfs none /sys/devices/virtual
    ordinary() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
    zone() { mkdir -p $K/$1; printf '%s\\n' "$2" >$K/$1/name; for F in energy_uj max_energy_range_uj; do echo kernel >$K/$1/$F; chmod 400 $K/$1/$F; done; }
    number() { ordinary timeout 10 cat $1 2>&1 | grep -cE '^[0-9]+$'; }
    ours() { grep -cE '^([^ ]+ ){4}(/run/pkg-watt-stat|/sys/devices/virtual)/.* - fuse.pkg-watt-stat' /proc/self/mountinfo; }
    await() { for _ in $(seq 200); do grep -q "$1" $2 && return; sleep 0.05; done; echo "no $1 in $2: $(cat $2)"; exit 1; }
    step() { MAINPID=$T "$PROGRAM" powercap-unit "$@" 2>&1; }
    : >/tmp/log; "$PROGRAM" serve --source simulated --user root >>/tmp/log 2>&1 & S=$!; await Ready /tmp/log
    # Where systemd listens.
    socat -u UNIX-RECV:/run/notify,mode=666 CREATE:/run/told & N=$!
    until [ -e /run/notify ]; do sleep 0.05; done
    # $1: where its stderr goes.
    serve() {
      rm -rf /run/pkg-watt-stat-powercap; mkdir -m 700 /run/pkg-watt-stat-powercap; chown 1000:1000 /run/pkg-watt-stat-powercap
      : >/tmp/tree; : >/run/told
      NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=400000 setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs \\
        "$SERVER" --caller 0 --hand-over /run/pkg-watt-stat-powercap/hand-over >>${1:-/tmp/tree} 2>&1 & T=$!
      await READY=1 /run/told
    }
    end() { kill -9 $T $S $N; wait; }
    # Where the shell tells of processes that were killed.
    exec 2>/dev/null
    """

  private func run(_ script: String) throws -> String {
    let (code, output) = try Child.run(
      [
        "unshare", "-m", "bash", "-c", Self.functions + "\n" + script + "\nend\nexit 0", Executables.service,
        Executables.tree,
      ],
      seconds: 60)
    #expect(code == 0, "\(output)")
    return output
  }

  @Test("is mounted for everyone by root, served without a right, and taken away whole")
  func attached() throws {
    let output = try run(
      """
      serve; step attach; number $FOLDER/intel-rapl:0/energy_uj; ours; stat -c '%a %U' $FOLDER
      grep -h Cap[EP] /proc/$T/status | tr -d '\\t'; ls -l /proc/$T/fd | grep -c /dev/fuse; ls /run/pkg-watt-stat-powercap | wc -l
      # Whether a read of it never waits (O_NONBLOCK), for a request that was withdrawn.
      for F in /proc/$T/fd/*; do [ $(readlink $F) != /dev/fuse ] || echo $((0$(sed -n 's/^flags:\t0*//p' /proc/$T/fdinfo/${F##*/}) & 04000)); done
      step remove; ours; [ -e $FOLDER ] || echo gone; wait $T; echo $?
      """)
    #expect(
      output == """
        1
        1
        555 root
        CapPrm:0000000000000000
        CapEff:0000000000000000
        1
        1
        2048
        0
        gone
        0

        """)
  }

  @Test("covers the kernel's files of each zone by its name, also of zones that come later, and uncovers them")
  func covers() throws {
    let output = try run(
      """
      serve; step attach >/dev/null; step cover
      zone intel-rapl:0 psys; zone intel-rapl:1 package-0; zone intel-rapl:1/intel-rapl:1:0 core; zone intel-rapl:1/intel-rapl:1:1 nonsense
      step cover; ours; step cover >/dev/null; ours
      cmp $K/intel-rapl:1/max_energy_range_uj $FOLDER/intel-rapl:0/max_energy_range_uj && echo same
      number $K/intel-rapl:0/energy_uj; number $K/intel-rapl:1/intel-rapl:1:0/energy_uj; cat $K/intel-rapl:1/intel-rapl:1:1/energy_uj
      zone intel-rapl:2 package-0; step cover >/dev/null; ours; number $K/intel-rapl:2/energy_uj
      grep 'intel-rapl:2/energy_uj' /proc/self/mountinfo | cut -d ' ' -f 6 | cut -d , -f 1-4
      step remove; ours; cat $K/intel-rapl:[012]/energy_uj
      """)
    #expect(
      output == """
        The kernel has no powercap (/sys/devices/virtual/powercap), so there is nothing to cover.
        The service does not measure these zones, so the kernel's own files stay in them: intel-rapl/intel-rapl:1/intel-rapl:1:1 (nonsense).
        7
        7
        same
        1
        1
        kernel
        9
        1
        ro,nosuid,nodev,noexec
        0
        kernel
        kernel
        kernel

        """)
  }

  @Test("is taken away from all places but one that somebody has mounted on since, and that one is named")
  func mountedOn() throws {
    let output = try run(
      """
      zone intel-rapl:0 package-0; zone intel-rapl:1 package-1; serve; step attach >/dev/null; step cover; ours
      echo other >/run/other; mount --bind /run/other $K/intel-rapl:0/max_energy_range_uj
      step remove; ours; cat $K/intel-rapl:[01]/energy_uj $K/intel-rapl:0/max_energy_range_uj
      umount $K/intel-rapl:0/max_energy_range_uj; step remove; ours; cat $K/intel-rapl:0/max_energy_range_uj
      """)
    let path = "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/max_energy_range_uj"
    #expect(
      output == """
        The service does not measure these zones, so the kernel's own files stay in them: intel-rapl/intel-rapl:1 (package-1).
        3
        Error: Cannot take the powercap tree away from \(path): \
        Device or resource busy. Unmount it by hand: sudo umount -l \(path)
        1
        kernel
        kernel
        other
        0
        kernel

        """)
  }

  @Test("lets readers go if its server is killed or stopped, and can be mounted again", arguments: ["KILL", "STOP"])
  func lost(signal: String) throws {
    let output = try run(
      """
      zone intel-rapl:0 package-0; serve; step attach >/dev/null; step cover
      exec 5<$K/intel-rapl:0/energy_uj; number $FOLDER/intel-rapl:0/energy_uj
      kill -\(signal) $T; [ \(signal) = STOP ] || { wait $T; } 2>/dev/null
      timeout 20 cat <&5 >/dev/null 2>/run/said & R=$!; sleep 0.5; timeout 10 "$PROGRAM" powercap-unit remove; echo "removed $?"
      wait $R; echo "read $?"; ours; cat $K/intel-rapl:0/energy_uj; kill -9 $T; { wait $T; } 2>/dev/null
      serve; step attach >/dev/null; step cover; ours; number $K/intel-rapl:0/energy_uj
      """)
    #expect(output == "1\nremoved 0\nread 1\n0\nkernel\n3\n1\n")
  }

  @Test("shows the service manager that it lives only while the thread that answers readers does")
  func watchdog() throws {
    let output = try run(
      """
      serve; step attach >/dev/null; : >/run/told; await WATCHDOG=1 /run/told; echo lives
      kill -STOP $T; sleep 0.3; : >/run/told; sleep 1; grep -c WATCHDOG /run/told
      kill -CONT $T; await WATCHDOG=1 /run/told; echo lives; number $FOLDER/intel-rapl:0/energy_uj
      # While it reads without a pause too.
      (while :; do cat $FOLDER/intel-rapl:0/name; done) >/dev/null 2>&1 & R=$!
      : >/run/told; await WATCHDOG=1 /run/told; kill $R; { wait $R; } 2>/dev/null; echo lives
      """)
    #expect(output == "lives\n0\nlives\n1\nlives\n")
  }

  @Test(
    "asks to be ended, and readers get an error, if the thread hangs that follows the service", .timeLimit(.minutes(1)))
  func hangingFollower() throws {
    let output = try run(
      """
      # It hangs in telling that the service is away: nobody reads its stderr any more, and there is no room.
      mkfifo /tmp/full; exec 6<>/tmp/full; cat /tmp/full >/dev/null & C=$!
      serve /tmp/full; step attach >/dev/null; number $FOLDER/intel-rapl:0/energy_uj
      kill $C; { wait $C; }; dd if=/dev/zero of=/tmp/full bs=1 count=100000 oflag=nonblock status=none
      kill -9 $S; { wait $S; }; until ordinary cat $FOLDER/intel-rapl:0/energy_uj 2>&1 | grep -q 'No data'; do sleep 0.05; done
      # For a quarter of a second the service is not tried again.
      sleep 0.5; : >/run/told
      ordinary timeout 30 cat $FOLDER/intel-rapl:0/energy_uj >/dev/null 2>/tmp/said & R=$!
      # As systemd does with WatchdogSignal=SIGKILL.
      await WATCHDOG=trigger /run/told; kill -0 $R && echo waits; kill -9 $T; { wait $T; }
      { wait $R; }; echo "read $?"; step remove; ours
      """)
    #expect(output == "1\nwaits\nread 1\n0\n")
  }

  @Test("refuses a place that is a link, another user's or open to others, and leaves it as it is")
  func places() throws {
    let output = try run(
      """
      serve; ln -s /root $FOLDER; step attach; step remove; readlink $FOLDER; rm $FOLDER
      mkdir $FOLDER; chown 1000 $FOLDER; step attach; step remove; stat -c %u $FOLDER; rmdir $FOLDER
      mkdir $FOLDER; mount -t tmpfs none $FOLDER; step attach; step remove; umount $FOLDER; rmdir $FOLDER
      chmod 777 /run/pkg-watt-stat; step attach; chmod 755 /run/pkg-watt-stat; step cover; ours
      """)
    let folder = "/run/pkg-watt-stat/powercap"
    #expect(
      output == """
        Error: \(folder) is a symbolic link. Name the folder itself.
        /root
        Error: \(folder) belongs to another user, who could move it away. Choose a folder that belongs to root.
        1000
        Error: Something else is mounted on \(folder). Unmount it: sudo umount \(folder)
        Error: /run/pkg-watt-stat belongs to another user, who could move it away. Choose a folder that belongs to root.
        Error: There is no powercap tree in \(folder). Start its service: sudo systemctl start pkg-watt-stat-powercap.service
        0

        """)
  }

  @Test("hands its connection over to nobody but the unit's own process, and takes none from anybody but root")
  func foreign() throws {
    let output = try run(
      """
      serve; MAINPID=1 "$PROGRAM" powercap-unit attach 2>&1; ours; { wait $T; } 2>/dev/null; echo $?; cat /tmp/tree
      "$PROGRAM" powercap-unit attach 2>&1; ordinary "$PROGRAM" powercap-unit remove 2>&1; "$PROGRAM" powercap-unit unmount 2>&1 | head -n 1
      serve; ordinary socat -u /dev/null UNIX-CONNECT:/run/pkg-watt-stat-powercap/hand-over; { wait $T; } 2>/dev/null; echo $?; cat /tmp/tree
      """)
    let path = "/run/pkg-watt-stat-powercap/hand-over"
    #expect(
      output == """
        Error: Another process than the service's own listens at \(path).
        0
        1
        Warning: The service is simulated: all energy in the powercap tree is invented.
        Error: Cannot take a FUSE connection at \(path): Protocol error.
        Error: This is a step of pkg-watt-stat-powercap.service. Start that: sudo systemctl start pkg-watt-stat-powercap.service
        Error: Only root can mount the powercap tree for everyone: sudo systemctl start pkg-watt-stat-powercap.service
        Error: The value 'unmount' is invalid for '<step>': There is no step 'unmount'.
        1
        Warning: The service is simulated: all energy in the powercap tree is invented.
        Error: Cannot take a FUSE connection at \(path): Operation not permitted.

        """)
  }
}
