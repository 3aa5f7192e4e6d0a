#!/bin/bash
# A SLURM of one node in one folder, for tests: as root, without systemd, with two pretend GPUs.
#   lab.sh up DIR PORT     writes the configuration, starts munged, slurmctld and slurmd
#   lab.sh ctld DIR [-c]   starts the controller again; -c: it forgets everything
#   lab.sh down DIR        stops what `up` started
set -euo pipefail
what=$1 dir=$2
conf=$dir/etc/slurm.conf
export SLURM_CONF=$conf
stop() {
  local pid; pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 0
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; then kill "${2:--TERM}" "$pid" || true; fi
}
case $what in
  up)
    port=$3 host=$(hostname -s)
    mkdir -p "$dir"/{etc,state,spool,log,run}
    chmod 755 "$dir" "$dir"/{etc,run}
    # A pretend GPU is a device file of any kind.
    for i in 0 1; do mknod "$dir/run/gpu$i" c 1 3; done
    (umask 077; head -c 1024 /dev/urandom > "$dir/etc/munge.key")
    chmod 400 "$dir/etc/munge.key"
    memory=$(( $(awk '/MemTotal/{print $2}' /proc/meminfo) / 1024 * 8 / 10 ))
    cat > "$conf" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.socket
MpiDefault=none
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmdSpoolDir=$dir/spool
StateSaveLocation=$dir/state
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SwitchType=switch/none
ReturnToService=2
MinJobAge=${MIN_JOB_AGE:-300}
KillWait=3
GresTypes=gpu
NodeName=$host NodeHostname=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:2 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
PartitionName=urgent Nodes=$host MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF OverSubscribe=EXCLUSIVE
CONF
    echo "NodeName=$host Name=gpu File=$dir/run/gpu[0-1]" > "$dir/etc/gres.conf"
    munged --key-file="$dir/etc/munge.key" --socket="$dir/run/munge.socket" \
      --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/run/munged.seed"
    slurmctld -c -f "$conf"
    slurmd -f "$conf"
    for _ in $(seq 150); do
      if sinfo -h -o %T 2>/dev/null | grep -q idle; then exit 0; fi
      sleep 0.1
    done
    echo "the node does not come up:"; tail -n 5 "$dir"/log/*.log; exit 1 ;;
  ctld)
    # -c alone keeps the number of the last job.
    if [ "${3:-}" = -c ]; then rm -rf "${dir:?}"/state/*; fi
    slurmctld ${3:+"$3"} -f "$conf"
    for _ in $(seq 150); do
      if scontrol ping 2>/dev/null | grep -q "is UP"; then exit 0; fi
      sleep 0.1
    done
    echo "the controller does not come up"; exit 1 ;;
  down) stop slurmd; stop slurmctld; stop munged ;;
esac
