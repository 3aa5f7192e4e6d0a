//! Which file systems a database must not lie on.

use std::path::Path;

use super::StoreError;

/// Magic numbers of `statfs(2)`: its manual page, linux/magic.h, the kernel's own headers of GFS2
/// and vboxsf, and `stat.c` of coreutils for file systems that are not in the kernel. virtiofs, and
/// whatever a program of a user mounts, call themselves FUSE.
const NETWORK: [(u32, &str); 20] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x6573_5546, "FUSE"),
    (0x00c3_6400, "Ceph"),
    (0x1983_0326, "BeeGFS"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x786f_4256, "a folder of VirtualBox"),
    (0xbacb_acbc, "a folder of VMware"),
    (0x7c7c_6673, "a folder of Parallels"),
    (0xaad7_aaea, "PanFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
];

/// The name of the file system with this magic number, where other machines may write beside us.
fn shared(magic: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(m, _)| *m == magic).map(|(_, name)| *name)
}

/// The name of the network (or FUSE) file system that `folder` lies on; `None` for a local one,
/// and where it cannot be told.
#[cfg(target_os = "linux")]
pub fn network_file_system(folder: &Path) -> Option<&'static str> {
    let kind = nix::sys::statfs::statfs(folder).ok()?.filesystem_type();
    // signed on some targets, and then extended: the magic is the lower half
    let magic = kind.0 as u32;
    shared(magic)
}

/// The name of the network file system; not told on this platform.
#[cfg(not(target_os = "linux"))]
pub fn network_file_system(_folder: &Path) -> Option<&'static str> {
    None
}

/// Refuses a folder where ratings could be lost to broken locks.
///
/// # Errors
/// [`StoreError::NetworkFileSystem`], with the way out.
pub fn refuse_network_file_system(folder: &Path) -> Result<(), StoreError> {
    match network_file_system(folder) {
        Some(kind) => Err(StoreError::NetworkFileSystem { path: folder.to_owned(), kind }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_several_machines_are_known_and_local_ones_are_not() {
        for (magic, name) in [(0x6969, "NFS"), (0x6573_5546, "FUSE"), (0x7461_636f, "OCFS2")] {
            assert_eq!(shared(magic), Some(name));
        }
        // ext4, XFS, Btrfs, tmpfs, overlay, ZFS
        for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(shared(magic), None, "{magic:x}");
        }
        let mut all: Vec<u32> = NETWORK.iter().map(|n| n.0).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), NETWORK.len());
    }
}
