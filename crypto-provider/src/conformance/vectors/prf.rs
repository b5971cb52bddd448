//! RFC 2202 and RFC 4231; OpenSSL for keys as long as a block and longer by one.

use crate::HashAlgorithm;

/// One HMAC; `mac` may be truncated.
pub(crate) struct PrfCase {
    pub(crate) name: &'static str,
    pub(crate) algorithm: HashAlgorithm,
    pub(crate) key: &'static str,
    pub(crate) data: &'static str,
    pub(crate) mac: &'static str,
}

pub(crate) const PRF: &[PrfCase] = &[
    PrfCase {
        name: "RFC 2202 2, test case 1",
        algorithm: HashAlgorithm::Md5,
        key: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        data: "4869205468657265",
        mac: "9294727a3638bb1c13f48ef8158bfc9d",
    },
    PrfCase {
        name: "RFC 2202 2, test case 2",
        algorithm: HashAlgorithm::Md5,
        key: "4a656665",
        data: "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        mac: "750c783e6ab0b503eaa86e310a5db738",
    },
    PrfCase {
        name: "RFC 2202 2, test case 3",
        algorithm: HashAlgorithm::Md5,
        key: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\
            dddddddddddd",
        mac: "56be34521d144c88dbb8c733f0e8b3f6",
    },
    PrfCase {
        name: "RFC 2202 2, test case 4",
        algorithm: HashAlgorithm::Md5,
        key: "0102030405060708090a0b0c0d0e0f10111213141516171819",
        data: "\
            cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\
            cdcdcdcdcdcd",
        mac: "697eaf0aca3a3aea3a75164746ffaa79",
    },
    PrfCase {
        name: "RFC 2202 2, test case 5",
        algorithm: HashAlgorithm::Md5,
        key: "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
        data: "546573742057697468205472756e636174696f6e",
        mac: "56461ef2342edc00f9bab995690efd4c",
    },
    PrfCase {
        name: "RFC 2202 2, test case 6",
        algorithm: HashAlgorithm::Md5,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368\
            204b6579204669727374",
        mac: "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
    },
    PrfCase {
        name: "RFC 2202 2, test case 7",
        algorithm: HashAlgorithm::Md5,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e64204c61\
            72676572205468616e204f6e6520426c6f636b2d53697a652044617461",
        mac: "6f630fad67cda0ee1fb1f562db3aa53e",
    },
    PrfCase {
        name: "RFC 2202 3, test case 1",
        algorithm: HashAlgorithm::Sha1,
        key: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        data: "4869205468657265",
        mac: "b617318655057264e28bc0b6fb378c8ef146be00",
    },
    PrfCase {
        name: "RFC 2202 3, test case 2",
        algorithm: HashAlgorithm::Sha1,
        key: "4a656665",
        data: "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        mac: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    },
    PrfCase {
        name: "RFC 2202 3, test case 3",
        algorithm: HashAlgorithm::Sha1,
        key: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\
            dddddddddddd",
        mac: "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
    },
    PrfCase {
        name: "RFC 2202 3, test case 4",
        algorithm: HashAlgorithm::Sha1,
        key: "0102030405060708090a0b0c0d0e0f10111213141516171819",
        data: "\
            cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\
            cdcdcdcdcdcd",
        mac: "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
    },
    PrfCase {
        name: "RFC 2202 3, test case 5",
        algorithm: HashAlgorithm::Sha1,
        key: "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
        data: "546573742057697468205472756e636174696f6e",
        mac: "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04",
    },
    PrfCase {
        name: "RFC 2202 3, test case 6",
        algorithm: HashAlgorithm::Sha1,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368\
            204b6579204669727374",
        mac: "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    },
    PrfCase {
        name: "RFC 2202 3, test case 7",
        algorithm: HashAlgorithm::Sha1,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e64204c61\
            72676572205468616e204f6e6520426c6f636b2d53697a652044617461",
        mac: "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
    },
    PrfCase {
        name: "RFC 4231 4.2, test case 1",
        algorithm: HashAlgorithm::Sha256,
        key: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        data: "4869205468657265",
        mac: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    },
    PrfCase {
        name: "RFC 4231 4.2, test case 1",
        algorithm: HashAlgorithm::Sha384,
        key: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        data: "4869205468657265",
        mac: "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
    },
    PrfCase {
        name: "RFC 4231 4.2, test case 1",
        algorithm: HashAlgorithm::Sha512,
        key: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        data: "4869205468657265",
        mac: "\
            87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274e\
            aea3f4e4be9d914eeb61f1702e696c203a126854",
    },
    PrfCase {
        name: "RFC 4231 4.3, test case 2",
        algorithm: HashAlgorithm::Sha256,
        key: "4a656665",
        data: "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        mac: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    },
    PrfCase {
        name: "RFC 4231 4.3, test case 2",
        algorithm: HashAlgorithm::Sha384,
        key: "4a656665",
        data: "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        mac: "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    },
    PrfCase {
        name: "RFC 4231 4.3, test case 2",
        algorithm: HashAlgorithm::Sha512,
        key: "4a656665",
        data: "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        mac: "\
            164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65\
            f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    },
    PrfCase {
        name: "RFC 4231 4.4, test case 3",
        algorithm: HashAlgorithm::Sha256,
        key: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\
            dddddddddddd",
        mac: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    },
    PrfCase {
        name: "RFC 4231 4.4, test case 3",
        algorithm: HashAlgorithm::Sha384,
        key: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\
            dddddddddddd",
        mac: "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
    },
    PrfCase {
        name: "RFC 4231 4.4, test case 3",
        algorithm: HashAlgorithm::Sha512,
        key: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\
            dddddddddddd",
        mac: "\
            fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a4\
            7e67c807b946a337bee8942674278859e13292fb",
    },
    PrfCase {
        name: "RFC 4231 4.5, test case 4",
        algorithm: HashAlgorithm::Sha256,
        key: "0102030405060708090a0b0c0d0e0f10111213141516171819",
        data: "\
            cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\
            cdcdcdcdcdcd",
        mac: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    },
    PrfCase {
        name: "RFC 4231 4.5, test case 4",
        algorithm: HashAlgorithm::Sha384,
        key: "0102030405060708090a0b0c0d0e0f10111213141516171819",
        data: "\
            cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\
            cdcdcdcdcdcd",
        mac: "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
    },
    PrfCase {
        name: "RFC 4231 4.5, test case 4",
        algorithm: HashAlgorithm::Sha512,
        key: "0102030405060708090a0b0c0d0e0f10111213141516171819",
        data: "\
            cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\
            cdcdcdcdcdcd",
        mac: "\
            b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275c\
            c5788063a5f19741120c4f2de2adebeb10a298dd",
    },
    PrfCase {
        name: "RFC 4231 4.6, test case 5",
        algorithm: HashAlgorithm::Sha256,
        key: "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
        data: "546573742057697468205472756e636174696f6e",
        mac: "a3b6167473100ee06e0c796c2955552b",
    },
    PrfCase {
        name: "RFC 4231 4.6, test case 5",
        algorithm: HashAlgorithm::Sha384,
        key: "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
        data: "546573742057697468205472756e636174696f6e",
        mac: "3abf34c3503b2a23a46efc619baef897",
    },
    PrfCase {
        name: "RFC 4231 4.6, test case 5",
        algorithm: HashAlgorithm::Sha512,
        key: "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
        data: "546573742057697468205472756e636174696f6e",
        mac: "415fad6271580a531d4179bc891d87a6",
    },
    PrfCase {
        name: "RFC 4231 4.7, test case 6",
        algorithm: HashAlgorithm::Sha256,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368\
            204b6579204669727374",
        mac: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    },
    PrfCase {
        name: "RFC 4231 4.7, test case 6",
        algorithm: HashAlgorithm::Sha384,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368\
            204b6579204669727374",
        mac: "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
    },
    PrfCase {
        name: "RFC 4231 4.7, test case 6",
        algorithm: HashAlgorithm::Sha512,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368\
            204b6579204669727374",
        mac: "\
            80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd221\
            5d6a1e5295e64f73f63f0aec8b915a985d786598",
    },
    PrfCase {
        name: "RFC 4231 4.8, test case 7",
        algorithm: HashAlgorithm::Sha256,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a\
            65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865\
            206b6579206e6565647320746f20626520686173686564206265666f7265206265696e672075736564206279\
            2074686520484d414320616c676f726974686d2e",
        mac: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    },
    PrfCase {
        name: "RFC 4231 4.8, test case 7",
        algorithm: HashAlgorithm::Sha384,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a\
            65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865\
            206b6579206e6565647320746f20626520686173686564206265666f7265206265696e672075736564206279\
            2074686520484d414320616c676f726974686d2e",
        mac: "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
    },
    PrfCase {
        name: "RFC 4231 4.8, test case 7",
        algorithm: HashAlgorithm::Sha512,
        key: "\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        data: "\
            5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a\
            65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865\
            206b6579206e6565647320746f20626520686173686564206265666f7265206265696e672075736564206279\
            2074686520484d414320616c676f726974686d2e",
        mac: "\
            e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55\
            c3e4de15134676fb6de0446065c97440fa8c6a58",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 64 octets",
        algorithm: HashAlgorithm::Md5,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "75d7bf0ae14d6f6d96bf1d67349923ca",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 65 octets",
        algorithm: HashAlgorithm::Md5,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0fa",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "d16a4ad66de562b41ed902937b54f43f",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 64 octets",
        algorithm: HashAlgorithm::Sha1,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "12c707892dff312b65bf06adbf1ac1f424a90383",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 65 octets",
        algorithm: HashAlgorithm::Sha1,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0fa",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "c543bd2a199dc8868ed4de56031c3fe678887c1f",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 64 octets",
        algorithm: HashAlgorithm::Sha256,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "985764bba44e99f4ba473165c37e9a13f505921dc126b42e7338337464fc1f41",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 65 octets",
        algorithm: HashAlgorithm::Sha256,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0fa",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "e4499f1aa925cf197c4f9c505d62bd219c85bf1475701f823ecd938471a981b6",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 128 octets",
        algorithm: HashAlgorithm::Sha384,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0fa6705fdfdbca463ef18f1dcfba379e497dfd90a63f0910a\
            c4584c7c4be14389e283da0e9916555af669ee375074b8c47029334b530d5e3ffe7588a9f225a082",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "3cb84c4f650ea4c69efd22360ce4e480c141b3551dcb25b0c150cad53b36be2e34d302e80a62e47928fc082f23afc302",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 129 octets",
        algorithm: HashAlgorithm::Sha384,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0fa6705fdfdbca463ef18f1dcfba379e497dfd90a63f0910a\
            c4584c7c4be14389e283da0e9916555af669ee375074b8c47029334b530d5e3ffe7588a9f225a0820a",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "a91d7c61ed848f6052b0ea0064b4f23430cfb6a39c2efc9fcd7ea64ab877e4dcb83ad2062c7fed256f7cde343431234d",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 128 octets",
        algorithm: HashAlgorithm::Sha512,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0fa6705fdfdbca463ef18f1dcfba379e497dfd90a63f0910a\
            c4584c7c4be14389e283da0e9916555af669ee375074b8c47029334b530d5e3ffe7588a9f225a082",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "\
            5ce8be43ae85e10923d152ca0696f32cf7590c5001a3afd2719224ac2b2099829dd185c61c8a0d73deade73e\
            a9b415ee5fb08025431f1e530359e2cc0a7238a5",
    },
    PrfCase {
        name: "OpenSSL 3.0, key of 129 octets",
        algorithm: HashAlgorithm::Sha512,
        key: "\
            17fa993d5eecbd361f30baf0b9b2329ad053bb6d5fec2228eca55e9b4914fface3af69bcc9a6b5f7ff093aa9\
            a0d00811d0b2a3ee67eac60c57e79d2fd99bbde0fa6705fdfdbca463ef18f1dcfba379e497dfd90a63f0910a\
            c4584c7c4be14389e283da0e9916555af669ee375074b8c47029334b530d5e3ffe7588a9f225a0820a",
        data: "dbf1db01b132e3e58a23da69178446ea1775d88d",
        mac: "\
            e469382bad4f958d575e374812e74feb46dab60c6dd590edd31fc5df84c181c8b7cf2ebf1cb2073ea6994056\
            e2dc3fa704650dbb3f64c4f04fdc01ea9151b5ae",
    },
];
