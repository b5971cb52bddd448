//! RFC 2410, RFC 3602, RFC 3686, NIST SP 800-38A, SP 800-67 and CAVP, FIPS 81; OpenSSL for long triple DES.

use crate::CipherAlgorithm;

/// One encryption.
pub(crate) struct CipherCase {
    pub(crate) name: &'static str,
    pub(crate) algorithm: CipherAlgorithm,
    pub(crate) key: &'static str,
    /// For counter mode: the first counter block.
    pub(crate) iv: &'static str,
    pub(crate) plain: &'static str,
    pub(crate) cipher: &'static str,
}

pub(crate) const CIPHER: &[CipherCase] = &[
    CipherCase {
        name: "FIPS 81, table C1",
        algorithm: CipherAlgorithm::DesCbc,
        key: "0123456789abcdef",
        iv: "1234567890abcdef",
        plain: "4e6f77206973207468652074696d6520666f7220616c6c20",
        cipher: "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6",
    },
    CipherCase {
        name: "NIST CAVP TCBCpermop ENCRYPT #1",
        algorithm: CipherAlgorithm::DesCbc,
        key: "1046913489980131",
        iv: "0000000000000000",
        plain: "0000000000000000",
        cipher: "88d55e54f54c97b4",
    },
    CipherCase {
        name: "NIST CAVP TCBCsubtab ENCRYPT #1",
        algorithm: CipherAlgorithm::DesCbc,
        key: "7ca110454a1a6e57",
        iv: "0000000000000000",
        plain: "01a1d6d039776742",
        cipher: "690f5b0d9a26939b",
    },
    CipherCase {
        name: "NIST CAVP TCBCvarkey ENCRYPT #1",
        algorithm: CipherAlgorithm::DesCbc,
        key: "8001010101010101",
        iv: "0000000000000000",
        plain: "0000000000000000",
        cipher: "95a8d72813daa94d",
    },
    CipherCase {
        name: "NIST SP 800-67 Appendix B, block 1",
        algorithm: CipherAlgorithm::TripleDesCbc,
        key: "0123456789abcdef23456789abcdef01456789abcdef0123",
        iv: "0000000000000000",
        plain: "5468652071756663",
        cipher: "a826fd8ce53b855f",
    },
    CipherCase {
        name: "NIST SP 800-67 Appendix B, block 2",
        algorithm: CipherAlgorithm::TripleDesCbc,
        key: "0123456789abcdef23456789abcdef01456789abcdef0123",
        iv: "0000000000000000",
        plain: "6b2062726f776e20",
        cipher: "cce21c8112256fe6",
    },
    CipherCase {
        name: "NIST SP 800-67 Appendix B, block 3",
        algorithm: CipherAlgorithm::TripleDesCbc,
        key: "0123456789abcdef23456789abcdef01456789abcdef0123",
        iv: "0000000000000000",
        plain: "666f78206a756d70",
        cipher: "68d5c05dd9b6b900",
    },
    CipherCase {
        name: "RFC 3602 4, case 1",
        algorithm: CipherAlgorithm::AesCbc,
        key: "06a9214036b8a15b512e03d534120006",
        iv: "3dafba429d9eb430b422da802c9fac41",
        plain: "53696e676c6520626c6f636b206d7367",
        cipher: "e353779c1079aeb82708942dbe77181a",
    },
    CipherCase {
        name: "RFC 3602 4, case 2",
        algorithm: CipherAlgorithm::AesCbc,
        key: "c286696d887c9aa0611bbb3e2025a45a",
        iv: "562e17996d093d28ddb3ba695a2e6f58",
        plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        cipher: "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1",
    },
    CipherCase {
        name: "RFC 3602 4, case 3",
        algorithm: CipherAlgorithm::AesCbc,
        key: "6c3ea0477630ce21a2ce334aa746c2cd",
        iv: "c782dc4c098c66cbd9cd27d825682c81",
        plain: "5468697320697320612034382d62797465206d657373616765202865786163746c7920332041455320626c6f636b7329",
        cipher: "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216bad525c8579695d83ba2684",
    },
    CipherCase {
        name: "RFC 3602 4, case 4",
        algorithm: CipherAlgorithm::AesCbc,
        key: "56e47a38c5598974bc46903dba290349",
        iv: "8ce82eefbea0da3c44699ed7db51b7d9",
        plain: "\
            a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacb\
            cccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
        cipher: "\
            c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e35907aa632c3ffdf868bb7b2\
            9d3d46ad83ce9f9a102ee99d49a53e87f4c3da55",
    },
    CipherCase {
        name: "RFC 3602 4, case 5",
        algorithm: CipherAlgorithm::AesCbc,
        key: "90d382b410eeba7ad938c46cec1a82bf",
        iv: "e96e8c08ab465763fd098d45dd3ff893",
        plain: "\
            08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223\
            2425262728292a2b2c2d2e2f30313233343536370102030405060708090a0b0c0d0e0e01",
        cipher: "\
            f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a\
            8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6",
    },
    CipherCase {
        name: "RFC 3602 4, case 6",
        algorithm: CipherAlgorithm::AesCbc,
        key: "90d382b410eeba7ad938c46cec1a82bf",
        iv: "69d08df7d203329db093fc4924e5bd80",
        plain: "0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201",
        cipher: "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75",
    },
    CipherCase {
        name: "RFC 3602 4, case 7",
        algorithm: CipherAlgorithm::AesCbc,
        key: "0123456789abcdef0123456789abcdef",
        iv: "f4e765244f6407adf13dc1380f673f37",
        plain: "\
            45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f\
            101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020304\
            05060708090a0a04",
        cipher: "\
            773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b\
            859243c647752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5\
            a100b842f1c22f0d",
    },
    CipherCase {
        name: "RFC 3602 4, case 8",
        algorithm: CipherAlgorithm::AesCbc,
        key: "0123456789abcdef0123456789abcdef",
        iv: "85d47224b5f3dd5d2101d4ea8dffab22",
        plain: "\
            45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffffffff\
            ffffffffffffffffffffffffffffffffffffffffffffffff0102030405060708090a0a04",
        cipher: "\
            15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c\
            07ff9639b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892",
    },
    CipherCase {
        name: "NIST SP 800-38A F.2.1",
        algorithm: CipherAlgorithm::AesCbc,
        key: "2b7e151628aed2a6abf7158809cf4f3c",
        iv: "000102030405060708090a0b0c0d0e0f",
        plain: "\
            6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc119\
            1a0a52eff69f2445df4f9b17ad2b417be66c3710",
        cipher: "\
            7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e\
            222295163ff1caa1681fac09120eca307586e1a7",
    },
    CipherCase {
        name: "NIST SP 800-38A F.2.3",
        algorithm: CipherAlgorithm::AesCbc,
        key: "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
        iv: "000102030405060708090a0b0c0d0e0f",
        plain: "\
            6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc119\
            1a0a52eff69f2445df4f9b17ad2b417be66c3710",
        cipher: "\
            4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a571b242012fb7ae07fa9baac\
            3df102e008b0e27988598881d920a9e64f5615cd",
    },
    CipherCase {
        name: "NIST SP 800-38A F.2.5",
        algorithm: CipherAlgorithm::AesCbc,
        key: "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
        iv: "000102030405060708090a0b0c0d0e0f",
        plain: "\
            6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc119\
            1a0a52eff69f2445df4f9b17ad2b417be66c3710",
        cipher: "\
            f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e263\
            04231461b2eb05e2c39be9fcda6c19078c6a9d1b",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 1",
        algorithm: CipherAlgorithm::AesCtr,
        key: "ae6852f8121067cc4bf7a5765577f39e",
        iv: "00000030000000000000000000000001",
        plain: "53696e676c6520626c6f636b206d7367",
        cipher: "e4095d4fb7a7b3792d6175a3261311b8",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 2",
        algorithm: CipherAlgorithm::AesCtr,
        key: "7e24067817fae0d743d6ce1f32539163",
        iv: "006cb6dbc0543b59da48d90b00000001",
        plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        cipher: "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 3",
        algorithm: CipherAlgorithm::AesCtr,
        key: "7691be035e5020a8ac6e618529f9a0dc",
        iv: "00e0017b27777f3f4a1786f000000001",
        plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
        cipher: "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 4",
        algorithm: CipherAlgorithm::AesCtr,
        key: "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb78515",
        iv: "0000004836733c147d6d93cb00000001",
        plain: "53696e676c6520626c6f636b206d7367",
        cipher: "4b55384fe259c9c84e7935a003cbe928",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 5",
        algorithm: CipherAlgorithm::AesCtr,
        key: "7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a",
        iv: "0096b03b020c6eadc2cb500d00000001",
        plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        cipher: "453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 6",
        algorithm: CipherAlgorithm::AesCtr,
        key: "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe",
        iv: "0007bdfd5cbd60278dcc091200000001",
        plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
        cipher: "96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188abee0935",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 7",
        algorithm: CipherAlgorithm::AesCtr,
        key: "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104",
        iv: "00000060db5672c97aa8f0b200000001",
        plain: "53696e676c6520626c6f636b206d7367",
        cipher: "145ad01dbf824ec7560863dc71e3e0c0",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 8",
        algorithm: CipherAlgorithm::AesCtr,
        key: "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884",
        iv: "00faac24c1585ef15a43d87500000001",
        plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        cipher: "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c",
    },
    CipherCase {
        name: "RFC 3686 6, test vector 9",
        algorithm: CipherAlgorithm::AesCtr,
        key: "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d",
        iv: "001cc5b751a51d70a1c1114800000001",
        plain: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
        cipher: "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8",
    },
    CipherCase {
        name: "OpenSSL 3.0, nine blocks",
        algorithm: CipherAlgorithm::TripleDesCbc,
        key: "21a69d887538cc8a33d005c5c9206488400a4256cfa7c45e",
        iv: "dcead5607ac6f7b0",
        plain: "\
            64fc0978e1f34dd9863136500314fe6b2765403ff1c19a13bffaf6a7bbde4fc3d9a65b46fa147331e865b027\
            210e1f126a4f29c784e46aeea37715efba335dbcd1be94f0d2bddba7",
        cipher: "\
            cf85c115d383fa5ae9d804738afa29954f930882b2c1b95c9a84b03aa7682ce814352eed9423c66aa50b21ac\
            c82c52c7a4e17ddaf91dfcf2ca7569cfbe699abefd2e8d6701779079",
    },
    CipherCase {
        name: "OpenSSL 3.0, nine blocks",
        algorithm: CipherAlgorithm::DesCbc,
        key: "b9ff47fd8ae0f4b7",
        iv: "a46f2b769432406b",
        plain: "\
            f66934582f61d07605e1f5e8faacdd56af52b9923ee5dbc4be24c00bd9f38f96444b5627d755b325aa338f90\
            cd1f558342c0d50ad712b6b9a5c2b49dbfb2941cfaa1e97302ed26de",
        cipher: "\
            5dac070ecdc90d8095b9f5eddb1bc707587c60fc70e288e28beb1e0f47ce675870cea06642ae98a90bb6d5ef\
            7b6425aba05ca95273ec2bf44be01115972c2dce5fee15d50e8430c2",
    },
    CipherCase {
        name: "RFC 2410",
        algorithm: CipherAlgorithm::Null,
        key: "",
        iv: "",
        plain: "416e792064617461",
        cipher: "416e792064617461",
    },
];
