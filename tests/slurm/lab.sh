#!/bin/bash
# A SLURM of one node or several in one folder, for tests: as root, without systemd, with two
# pretend GPUs on the first node.
#   lab.sh up DIR PORT     writes the configuration, starts munged, slurmctld and slurmd
#   lab.sh ctld DIR [-c]   starts the controller again; -c: it forgets everything
#   lab.sh dbd DIR stop|start
#   lab.sh away DIR        SLURM's programs complain soon, because the controller is gone on purpose
#   lab.sh down DIR        stops what `up` started
# NODES, MIN_JOB_AGE: how many nodes; how many seconds ended jobs are kept.
# ACCOUNTING=1: with slurmdbd, and MariaDB for it; four ports more.
set -euo pipefail
what=$1 dir=$2 nodes=${NODES:-1}
conf=$dir/etc/slurm.conf
# Programs have a copy of their own: what is set there is nothing to the daemons.
client=$dir/etc/client.conf
export SLURM_CONF=$client
stop() {
  local pid; pid=$(cat "$dir/run/$2.pid" 2>/dev/null) || return 0
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; then kill -TERM "$pid" || true; fi
}
# Deadlines by the clock, not by turns: a turn takes long on a busy machine.
until_true() {
  local end=$((SECONDS + 60))
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}
all_idle() { [ "$(sinfo -h -N -p main -o %T 2>/dev/null | grep -cx idle)" = "$nodes" ]; }
answers() { scontrol ping 2>/dev/null | grep -q "is UP"; }
up_accounting() {
  # Nobody but us can reach it: it listens at 127.0.0.1 while the test lasts, and holds nothing.
  mkdir "$dir/db"
  # As mariadb-install-db does, without what it asks of the rest of an installation.
  { echo "create database mysql;"; echo "use mysql;"
    cat /usr/share/mysql/mysql_system_tables.sql /usr/share/mysql/mysql_system_tables_data.sql; } \
    | mariadbd --no-defaults --user=root --datadir="$dir/db" --bootstrap > "$dir/log/bootstrap.log" 2>&1
  mariadbd --no-defaults --user=root --datadir="$dir/db" --socket="$dir/run/db.sock" \
    --bind-address=127.0.0.1 --port="$((port + 9))" --pid-file="$dir/run/mariadbd.pid" \
    --skip-grant-tables --innodb-flush-log-at-trx-commit=0 > "$dir/log/mariadbd.log" 2>&1 &
  (umask 077; cat > "$dir/etc/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.socket
DbdHost=localhost
DbdPort=$((port + 8))
SlurmUser=root
PidFile=$dir/run/slurmdbd.pid
LogFile=$dir/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((port + 9))
StorageUser=root
StorageLoc=slurm
CONF
  )
  until_true test -S "$dir/run/db.sock" || complain "MariaDB does not come up"
  slurmdbd
  until_true knows_cluster || complain "slurmdbd does not come up"
}
# Adding it twice is an error: it is asked first.
knows_cluster() {
  sacctmgr -n -P list cluster format=cluster 2>/dev/null | grep -qx lab && return 0
  sacctmgr -i -Q add cluster lab > "$dir/log/sacctmgr.log" 2>&1
}
complain() { echo "$1:"; for f in "$dir"/log/*.log; do echo "$f"; tail -n 5 "$f"; done; exit 1; }
case $what in
  up)
    port=$3 host=$(hostname -s)
    mkdir -p "$dir"/{etc,state,log,run}
    chmod 755 "$dir" "$dir"/{etc,run}
    # A pretend GPU is a device file of any kind.
    for i in 0 1; do mknod "$dir/run/gpu$i" c 1 3; done
    (umask 077; head -c 1024 /dev/urandom > "$dir/etc/munge.key")
    chmod 400 "$dir/etc/munge.key"
    memory=$(( $(awk '/MemTotal/{print $2}' /proc/meminfo) / 1024 * 8 / 10 / nodes ))
    cat > "$conf" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.socket
MpiDefault=none
SlurmctldPort=$port
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/%n.pid
SlurmdSpoolDir=$dir/spool-%n
StateSaveLocation=$dir/state
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/$([ -n "${ACCOUNTING:-}" ] && echo slurmdbd || echo none)
AccountingStorageHost=localhost
AccountingStoragePass=$dir/run/munge.socket
AccountingStoragePort=$((port + 8))
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SwitchType=switch/none
ReturnToService=2
MinJobAge=${MIN_JOB_AGE:-300}
KillWait=3
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
PartitionName=urgent Nodes=n[1-$nodes] MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF OverSubscribe=EXCLUSIVE
CONF
    for n in $(seq "$nodes"); do
      echo "NodeName=n$n NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + n))" \
        "CPUs=$(nproc) RealMemory=$memory $([ "$n" = 1 ] && echo Gres=gpu:2) State=UNKNOWN" >> "$conf"
    done
    echo "NodeName=n1 Name=gpu File=$dir/run/gpu[0-1]" > "$dir/etc/gres.conf"
    cp "$conf" "$client"
    # Forced: it complains of folders that others may write to, as temporary ones may be.
    munged --force --key-file="$dir/etc/munge.key" --socket="$dir/run/munge.socket" \
      --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/run/munged.seed"
    [ -z "${ACCOUNTING:-}" ] || up_accounting
    slurmctld -c -f "$conf"
    for n in $(seq "$nodes"); do slurmd -N "n$n" -f "$conf"; done
    until_true all_idle || complain "the nodes do not come up" ;;
  ctld)
    # -c alone keeps the number of the last job.
    if [ "${3:-}" = -c ]; then rm -rf "${dir:?}"/state/*; fi
    cp "$conf" "$client"
    slurmctld ${3:+"$3"} -f "$conf"
    until_true answers || complain "the controller does not come up" ;;
  dbd)
    # Only away: what it knows is in the database.
    if [ "$3" = stop ]; then stop slurmdbd slurmdbd; else slurmdbd; fi ;;
  away) { cat "$conf"; echo MessageTimeout=2; } > "$client" ;;
  down)
    for n in $(seq 9); do stop slurmd "n$n"; done
    stop slurmctld slurmctld; stop slurmdbd slurmdbd; stop mariadbd mariadbd; stop munged munged ;;
esac
