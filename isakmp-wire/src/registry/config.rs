//! Mode configuration and XAUTH.

registry! {
    /// Message types of the Attributes payload, draft-dukes-ike-mode-cfg 3.2.
    pub struct ConfigMessageType(u8) {
        RESERVED = 0 "RESERVED",
        REQUEST = 1 "ISAKMP_CFG_REQUEST",
        REPLY = 2 "ISAKMP_CFG_REPLY",
        SET = 3 "ISAKMP_CFG_SET",
        ACK = 4 "ISAKMP_CFG_ACK",
    }
}

registry! {
    /// Attributes of mode configuration: draft-dukes-ike-mode-cfg 3.3 (1 to 15), draft-beaulieu-ike-xauth 6.2 (16520
    /// to 16529), and the private ones of Cisco Unity (28672 to 28682).
    pub struct ConfigAttributeClass(u16) {
        INTERNAL_IP4_ADDRESS = 1 "INTERNAL_IP4_ADDRESS",
        INTERNAL_IP4_NETMASK = 2 "INTERNAL_IP4_NETMASK",
        INTERNAL_IP4_DNS = 3 "INTERNAL_IP4_DNS",
        INTERNAL_IP4_NBNS = 4 "INTERNAL_IP4_NBNS",
        INTERNAL_ADDRESS_EXPIRY = 5 "INTERNAL_ADDRESS_EXPIRY",
        INTERNAL_IP4_DHCP = 6 "INTERNAL_IP4_DHCP",
        APPLICATION_VERSION = 7 "APPLICATION_VERSION",
        INTERNAL_IP6_ADDRESS = 8 "INTERNAL_IP6_ADDRESS",
        INTERNAL_IP6_NETMASK = 9 "INTERNAL_IP6_NETMASK",
        INTERNAL_IP6_DNS = 10 "INTERNAL_IP6_DNS",
        INTERNAL_IP6_NBNS = 11 "INTERNAL_IP6_NBNS",
        INTERNAL_IP6_DHCP = 12 "INTERNAL_IP6_DHCP",
        INTERNAL_IP4_SUBNET = 13 "INTERNAL_IP4_SUBNET",
        SUPPORTED_ATTRIBUTES = 14 "SUPPORTED_ATTRIBUTES",
        INTERNAL_IP6_SUBNET = 15 "INTERNAL_IP6_SUBNET",
        XAUTH_TYPE = 16520 "XAUTH_TYPE",
        XAUTH_USER_NAME = 16521 "XAUTH_USER_NAME",
        XAUTH_USER_PASSWORD = 16522 "XAUTH_USER_PASSWORD",
        XAUTH_PASSCODE = 16523 "XAUTH_PASSCODE",
        XAUTH_MESSAGE = 16524 "XAUTH_MESSAGE",
        XAUTH_CHALLENGE = 16525 "XAUTH_CHALLENGE",
        XAUTH_DOMAIN = 16526 "XAUTH_DOMAIN",
        XAUTH_STATUS = 16527 "XAUTH_STATUS",
        XAUTH_NEXT_PIN = 16528 "XAUTH_NEXT_PIN",
        XAUTH_ANSWER = 16529 "XAUTH_ANSWER",
        UNITY_BANNER = 28672 "UNITY_BANNER",
        UNITY_SAVE_PASSWD = 28673 "UNITY_SAVE_PASSWD",
        UNITY_DEF_DOMAIN = 28674 "UNITY_DEF_DOMAIN",
        UNITY_SPLITDNS_NAME = 28675 "UNITY_SPLITDNS_NAME",
        UNITY_SPLIT_INCLUDE = 28676 "UNITY_SPLIT_INCLUDE",
        UNITY_NATT_PORT = 28677 "UNITY_NATT_PORT",
        UNITY_LOCAL_LAN = 28678 "UNITY_LOCAL_LAN",
        UNITY_PFS = 28679 "UNITY_PFS",
        UNITY_FW_TYPE = 28680 "UNITY_FW_TYPE",
        UNITY_BACKUP_SERVERS = 28681 "UNITY_BACKUP_SERVERS",
        UNITY_DDNS_HOSTNAME = 28682 "UNITY_DDNS_HOSTNAME",
    }
}

impl ConfigAttributeClass {
    /// Whether the value is a credential, which neither `Debug` nor a dissection shows.
    #[must_use]
    pub const fn is_credential(self) -> bool {
        // XAUTH_USER_PASSWORD, XAUTH_PASSCODE, XAUTH_NEXT_PIN, XAUTH_ANSWER
        matches!(self.0, 16522 | 16523 | 16528 | 16529)
    }
}

registry! {
    /// Kinds of extended authentication, draft-beaulieu-ike-xauth 6.3: values of the XAUTH_TYPE attribute.
    pub struct XauthType(u16) {
        GENERIC = 0 "Generic",
        RADIUS_CHAP = 1 "RADIUS-CHAP",
        OTP = 2 "OTP",
        S_KEY = 3 "S/KEY",
    }
}
