//! RFC 1321, RFC 3174 and RFC 6234.

use crate::HashAlgorithm;

/// The hash of `unit`, repeated.
pub(crate) struct HashCase {
    pub(crate) name: &'static str,
    pub(crate) algorithm: HashAlgorithm,
    pub(crate) unit: &'static str,
    pub(crate) times: usize,
    pub(crate) digest: &'static str,
}

pub(crate) const HASH: &[HashCase] = &[
    HashCase {
        name: "RFC 1321 A.5, string 1",
        algorithm: HashAlgorithm::Md5,
        unit: "",
        times: 1,
        digest: "d41d8cd98f00b204e9800998ecf8427e",
    },
    HashCase {
        name: "RFC 1321 A.5, string 2",
        algorithm: HashAlgorithm::Md5,
        unit: "a",
        times: 1,
        digest: "0cc175b9c0f1b6a831c399e269772661",
    },
    HashCase {
        name: "RFC 1321 A.5, string 3",
        algorithm: HashAlgorithm::Md5,
        unit: "abc",
        times: 1,
        digest: "900150983cd24fb0d6963f7d28e17f72",
    },
    HashCase {
        name: "RFC 1321 A.5, string 4",
        algorithm: HashAlgorithm::Md5,
        unit: "message digest",
        times: 1,
        digest: "f96b697d7cb7938d525a2f31aaf161d0",
    },
    HashCase {
        name: "RFC 1321 A.5, string 5",
        algorithm: HashAlgorithm::Md5,
        unit: "abcdefghijklmnopqrstuvwxyz",
        times: 1,
        digest: "c3fcd3d76192e4007dfb496cca67e13b",
    },
    HashCase {
        name: "RFC 1321 A.5, string 6",
        algorithm: HashAlgorithm::Md5,
        unit: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        times: 1,
        digest: "d174ab98d277d9f5a5611c2c9f419d9f",
    },
    HashCase {
        name: "RFC 1321 A.5, string 7",
        algorithm: HashAlgorithm::Md5,
        unit: "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        times: 1,
        digest: "57edf4a22be3c955ac49da2e2107b67a",
    },
    HashCase {
        name: "RFC 3174 7.3, test 1",
        algorithm: HashAlgorithm::Sha1,
        unit: "abc",
        times: 1,
        digest: "a9993e364706816aba3e25717850c26c9cd0d89d",
    },
    HashCase {
        name: "RFC 3174 7.3, test 2",
        algorithm: HashAlgorithm::Sha1,
        unit: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        times: 1,
        digest: "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
    },
    HashCase {
        name: "RFC 3174 7.3, test 3",
        algorithm: HashAlgorithm::Sha1,
        unit: "a",
        times: 1000000,
        digest: "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
    },
    HashCase {
        name: "RFC 3174 7.3, test 4",
        algorithm: HashAlgorithm::Sha1,
        unit: "0123456701234567012345670123456701234567012345670123456701234567",
        times: 10,
        digest: "dea356a2cddd90c7a7ecedc5ebb563934f460452",
    },
    HashCase {
        name: "RFC 6234 8.5, test 1",
        algorithm: HashAlgorithm::Sha256,
        unit: "abc",
        times: 1,
        digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    },
    HashCase {
        name: "RFC 6234 8.5, test 2",
        algorithm: HashAlgorithm::Sha256,
        unit: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        times: 1,
        digest: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    },
    HashCase {
        name: "RFC 6234 8.5, test 3",
        algorithm: HashAlgorithm::Sha256,
        unit: "a",
        times: 1000000,
        digest: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    },
    HashCase {
        name: "RFC 6234 8.5, test 4",
        algorithm: HashAlgorithm::Sha256,
        unit: "0123456701234567012345670123456701234567012345670123456701234567",
        times: 10,
        digest: "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5",
    },
    HashCase {
        name: "RFC 6234 8.5, test 1",
        algorithm: HashAlgorithm::Sha384,
        unit: "abc",
        times: 1,
        digest: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    },
    HashCase {
        name: "RFC 6234 8.5, test 2",
        algorithm: HashAlgorithm::Sha384,
        unit: "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        times: 1,
        digest: "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039",
    },
    HashCase {
        name: "RFC 6234 8.5, test 3",
        algorithm: HashAlgorithm::Sha384,
        unit: "a",
        times: 1000000,
        digest: "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985",
    },
    HashCase {
        name: "RFC 6234 8.5, test 4",
        algorithm: HashAlgorithm::Sha384,
        unit: "0123456701234567012345670123456701234567012345670123456701234567",
        times: 10,
        digest: "2fc64a4f500ddb6828f6a3430b8dd72a368eb7f3a8322a70bc84275b9c0b3ab00d27a5cc3c2d224aa6b61a0d79fb4596",
    },
    HashCase {
        name: "RFC 6234 8.5, test 1",
        algorithm: HashAlgorithm::Sha512,
        unit: "abc",
        times: 1,
        digest: "\
            ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23\
            a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    },
    HashCase {
        name: "RFC 6234 8.5, test 2",
        algorithm: HashAlgorithm::Sha512,
        unit: "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        times: 1,
        digest: "\
            8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99de\
            c4b5433ac7d329eeb6dd26545e96e55b874be909",
    },
    HashCase {
        name: "RFC 6234 8.5, test 3",
        algorithm: HashAlgorithm::Sha512,
        unit: "a",
        times: 1000000,
        digest: "\
            e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432c\
            e577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    },
    HashCase {
        name: "RFC 6234 8.5, test 4",
        algorithm: HashAlgorithm::Sha512,
        unit: "0123456701234567012345670123456701234567012345670123456701234567",
        times: 10,
        digest: "\
            89d05ba632c699c31231ded4ffc127d5a894dad412c0e024db872d1abd2ba8141a0f85072a9be1e2aa04cf33\
            c765cb510813a39cd5a84c4acaa64d3f3fb7bae9",
    },
];
