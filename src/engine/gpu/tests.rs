//! Choosing GPUs at its door: bad inputs first.

use std::collections::BTreeMap;

use super::*;

const GIB: u64 = 1 << 30;

fn gpu(index: u32) -> Device {
    Device {
        index,
        uuid: format!("GPU-{index}aaa0000-0000-0000-0000-00000000000{index}"),
        name: Some("Pretend".into()),
        memory_total: Some(80 * GIB),
        memory_used: Some(GIB / 2),
        utilization: Some(0),
        processes: Some(Vec::new()),
        parent: None,
        mig: false,
    }
}

fn instance(of: &Device, n: u32) -> Device {
    Device {
        uuid: format!("MIG-{n}bbb0000-0000-0000-0000-00000000000{n}"),
        parent: Some(of.uuid.clone()),
        utilization: None,
        ..gpu(of.index)
    }
}

fn ceiling(visible: &str) -> Result<Ceiling, String> {
    Ceiling::of(&BTreeMap::from([(VISIBLE.to_owned(), visible.to_owned())]))
}

fn all() -> Ceiling {
    Ceiling::of(&BTreeMap::new()).unwrap()
}

fn taken(devices: &[Device], visible: &Ceiling, count: u32) -> Result<Vec<u32>, String> {
    match choose(devices, &Taken::default(), visible, count) {
        Choice::Take(d) => Ok(d.iter().map(|d| d.index).collect()),
        Choice::Wait(why) => Err(why),
    }
}

#[test]
fn a_misspelt_ceiling_is_refused_in_words_and_not_taken_for_fewer_gpus() {
    for (visible, says) in [
        ("0;1", "`0;1` is no GPU"),
        ("0,", "`` is no GPU"),
        ("all", "`all` is no GPU"),
        ("GPU0", "`GPU0` is no GPU"),
        ("GPU-", "no GPU"),
        ("gpu-0aaa", "no GPU"),
        ("0,-1", "`-1` is no GPU"),
        ("1,1", "twice"),
        ("99999999999", "no GPU"),
    ] {
        let e = ceiling(visible).unwrap_err();
        assert!(e.contains(says) && e.contains(VISIBLE), "{visible}: {e}");
    }
    let two = [gpu(0), gpu(1)];
    for (visible, says) in [
        ("2", "names GPU 2, and this machine has 0 = GPU-0aaa"),
        ("GPU-9", "names GPU-9"),
        ("GPU-", "no GPU"),
        ("MIG-0b", "names MIG-0b"),
    ] {
        let e = ceiling(visible).and_then(|c| c.pass(&two).map(|d| d.len())).unwrap_err();
        assert!(e.contains(says), "{visible}: {e}");
    }
    let same = [gpu(0), Device { uuid: "GPU-0aaaffff".into(), ..gpu(1) }];
    assert!(ceiling("GPU-0aaa").unwrap().pass(&same).unwrap_err().contains("several"));
}

#[test]
fn numbers_among_different_gpus_want_the_order_of_the_bus() {
    let mixed = [gpu(0), Device { name: Some("Other".into()), ..gpu(1) }];
    let e = ceiling("1").unwrap().pass(&mixed).unwrap_err();
    assert!(e.contains("CUDA_DEVICE_ORDER=PCI_BUS_ID"), "{e}");
    let env = BTreeMap::from([
        (VISIBLE.to_owned(), "1".to_owned()),
        (ORDER.to_owned(), PCI_ORDER.to_owned()),
    ]);
    assert_eq!(Ceiling::of(&env).unwrap().pass(&mixed).unwrap()[0].index, 1);
    assert_eq!(ceiling("GPU-1").unwrap().pass(&mixed).unwrap()[0].index, 1);
}

#[test]
fn the_ceiling_holds_and_its_order_is_kept() {
    let three = [gpu(0), gpu(1), gpu(2)];
    assert_eq!(taken(&three, &all(), 2), Ok(vec![0, 1]));
    assert_eq!(taken(&three, &ceiling("2, GPU-0AAA").unwrap(), 2), Ok(vec![2, 0]));
    assert_eq!(most(&three, &ceiling("2").unwrap()), Ok(1));
    for none in ["", "-1", "NoDevFiles"] {
        assert_eq!(most(&three, &ceiling(none).unwrap()), Ok(0));
    }
    assert!(taken(&three, &ceiling("1").unwrap(), 2).unwrap_err().contains("1 of the 2"));
    assert!(taken(&[], &all(), 1).unwrap_err().contains("no GPU now"));
}

#[test]
fn what_others_load_is_not_free_and_what_cannot_be_read_is_not_zero() {
    let one = |change: fn(&mut Device)| {
        let mut d = gpu(0);
        change(&mut d);
        taken(&[d], &all(), 1)
    };
    let process = |memory| GpuProcess { pid: 77, memory };
    let e = taken(&[Device { processes: Some(vec![process(Some(1))]), ..gpu(0) }], &all(), 1);
    assert!(e.unwrap_err().contains("process 77"));
    assert!(one(|d| d.memory_used = Some(2 * GIB)).unwrap_err().contains("2048 MiB"));
    assert!(one(|d| (d.processes, d.utilization) = (None, Some(50))).unwrap_err().contains("50 %"));
    // A display computes a little, and is no computing process.
    assert!(one(|d| d.utilization = Some(50)).is_ok());
    assert!(one(|d| (d.processes, d.utilization, d.memory_used) = (None, None, None)).is_ok());
    assert_eq!(mib(None), "n/a");
}

#[test]
fn leases_and_runs_that_came_first_are_respected() {
    let two = [gpu(0), gpu(1)];
    let mut t = Taken::default();
    t.leased.insert(two[0].uuid.clone(), "a".into());
    assert_eq!(choose(&two, &t, &all(), 1), Choice::Take(vec![gpu(1)]));
    let Choice::Wait(why) = choose(&two, &t, &all(), 2) else { panic!("taken twice") };
    assert!(why.contains("1 of the 2") && why.contains("leased to run a"), "{why}");
    // That run waits for both: the one after it gets none of them.
    for d in &two {
        t.awaited.insert(d.uuid.clone(), "b".into());
    }
    let Choice::Wait(why) = choose(&two, &t, &all(), 1) else { panic!("overtook") };
    assert!(why.contains("run b is before it"), "{why}");
}

#[test]
fn a_gpu_in_instances_is_given_by_instance_and_one_at_a_time() {
    let cut = Device { mig: true, ..gpu(0) };
    let devices = [cut.clone(), instance(&cut, 1), instance(&cut, 2), gpu(1)];
    let Choice::Take(got) = choose(&devices, &Taken::default(), &all(), 1) else { panic!() };
    assert!(got[0].uuid.starts_with("MIG-1"));
    assert_eq!(taken(&devices[..3], &all(), 1), Ok(vec![0]));
    assert_eq!(most(&devices[..3], &all()), Ok(1));
    assert!(taken(&devices[..3], &all(), 2).is_err());
    let one = ceiling("MIG-2").unwrap();
    let Choice::Take(got) = choose(&devices, &Taken::default(), &one, 1) else { panic!() };
    assert!(got[0].uuid.starts_with("MIG-2"));
    // By its number or UUID the GPU stands for its instances.
    let one = ceiling(&cut.uuid).unwrap();
    assert!(matches!(choose(&devices, &Taken::default(), &one, 1), Choice::Take(_)));
}

#[test]
fn a_file_pretends_and_a_missing_one_is_a_machine_without_gpus() {
    let tmp = tempfile::tempdir().unwrap();
    let file = tmp.path().join("gpus.json");
    let gpus = pretend::Pretend(file.clone());
    assert_eq!(gpus.devices(), Ok(Vec::new()));
    std::fs::write(&file, r#"{"devices": [{"index": 0, "uuid": "GPU-0"}]}"#).unwrap();
    let read = gpus.devices().unwrap();
    assert_eq!((read[0].memory_used, read[0].utilization, &read[0].processes), (None, None, &None));
    std::fs::write(&file, r#"{"error": "fell over"}"#).unwrap();
    assert_eq!(gpus.devices(), Err("fell over".into()));
    std::fs::write(&file, "torn").unwrap();
    assert!(gpus.devices().unwrap_err().contains("gpus.json"));
}

#[test]
fn the_real_library_answers_or_is_absent_without_an_error() {
    let real = real::Real::default();
    match real.devices() {
        Ok(devices) => assert!(devices.iter().all(|d| !d.uuid.is_empty()), "{devices:?}"),
        Err(e) => assert!(e.contains("NVML") || e.contains("driver"), "{e}"),
    }
    assert!(!real.about().is_empty());
}
