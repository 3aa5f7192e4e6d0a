//! Which file systems a database must not lie on.

use std::path::Path;

use super::StoreError;

/// Magic numbers of `statfs(2)` (linux/magic.h and the file systems' own headers).
#[cfg(target_os = "linux")]
const NETWORK: [(i64, &str); 14] = [
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
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x786f_4256, "vboxsf"),
];

/// The name of the network (or FUSE) file system that `folder` lies on; `None` for a local one,
/// and where it cannot be told.
#[cfg(target_os = "linux")]
pub fn network_file_system(folder: &Path) -> Option<&'static str> {
    let kind = nix::sys::statfs::statfs(folder).ok()?.filesystem_type();
    #[allow(clippy::unnecessary_cast, reason = "the type differs between libc's targets")]
    let magic = kind.0 as i64 & 0xffff_ffff;
    NETWORK.iter().find(|(m, _)| *m == magic).map(|(_, name)| *name)
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
