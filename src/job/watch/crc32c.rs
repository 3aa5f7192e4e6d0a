//! CRC-32C (Castagnoli), eight bytes at a time by tables made at compile time, as TensorBoard's
//! records and our index carry it.

const POLYNOMIAL: u32 = 0x82F6_3B78;

const fn tables() -> [[u32; 256]; 8] {
    let mut t = [[0u32; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut c = i as u32;
        let mut k = 0;
        while k < 8 {
            c = if c & 1 == 1 { POLYNOMIAL ^ (c >> 1) } else { c >> 1 };
            k += 1;
        }
        t[0][i] = c;
        i += 1;
    }
    let mut n = 1;
    while n < 8 {
        let mut i = 0;
        while i < 256 {
            t[n][i] = (t[n - 1][i] >> 8) ^ t[0][(t[n - 1][i] & 255) as usize];
            i += 1;
        }
        n += 1;
    }
    t
}

static TABLES: [[u32; 256]; 8] = tables();

/// The checksum of some bytes.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut c = !0u32;
    let (eights, rest) = bytes.as_chunks::<8>();
    for e in eights {
        let low = u32::from_le_bytes([e[0], e[1], e[2], e[3]]) ^ c;
        c = TABLES[7][(low & 255) as usize]
            ^ TABLES[6][(low >> 8 & 255) as usize]
            ^ TABLES[5][(low >> 16 & 255) as usize]
            ^ TABLES[4][(low >> 24) as usize]
            ^ TABLES[3][usize::from(e[4])]
            ^ TABLES[2][usize::from(e[5])]
            ^ TABLES[1][usize::from(e[6])]
            ^ TABLES[0][usize::from(e[7])];
    }
    for b in rest {
        c = (c >> 8) ^ TABLES[0][((c ^ u32::from(*b)) & 255) as usize];
    }
    !c
}

/// As TensorBoard's records carry it: turned by 15 bits and moved, so that a checksum of bytes that
/// hold checksums is not degenerate.
pub fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answers_of_rfc_3720_come_out() {
        assert_eq!(crc32c(b""), 0);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[255; 32]), 0x62A8_AB43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46DD_794E);
    }
}
