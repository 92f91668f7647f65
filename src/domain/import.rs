//! Where an import stands, and what may be done with it there.

text_enum! {
    /// An import stands in exactly one state. Those with work to do are left by the worker, the others by a person.
    pub enum ImportState {
        /// To be read, or being read; nothing is written meanwhile.
        Reading = "reading" => "Đang đọc",
        /// Read: a person decides.
        Ready = "ready" => "Chờ xác nhận",
        /// The whole file cannot be taken.
        Refused = "refused" => "Không nhập được",
        /// To be written, or being written. Nothing of it counts before the end.
        Applying = "applying" => "Đang nhập",
        /// All of it counts; the applications that waited for a code are being asked for.
        Settling = "settling" => "Đang kiểm tra lại hồ sơ",
        Applied = "applied" => "Đã nhập",
        RollingBack = "rolling_back" => "Đang hoàn tác",
        RolledBack = "rolled_back" => "Đã hoàn tác",
        Cancelled = "cancelled" => "Đã bỏ",
        /// Something broke that is not the file's fault; nothing was written.
        Failed = "failed" => "Bị lỗi",
    }
}

impl ImportState {
    /// The states in which the worker has something to do.
    pub const AT_WORK: [Self; 4] = [Self::Reading, Self::Applying, Self::Settling, Self::RollingBack];

    pub fn is_at_work(self) -> bool {
        Self::AT_WORK.contains(&self)
    }

    pub fn may_apply(self) -> bool {
        self == Self::Ready
    }

    /// A person may still say what the columns are, and let it be read again.
    pub fn may_read_again(self) -> bool {
        matches!(self, Self::Ready | Self::Refused | Self::Failed | Self::Cancelled)
    }

    /// A rollback that has begun, or the asking for waiting applications, is not stopped half-way.
    pub fn may_stop(self) -> bool {
        matches!(self, Self::Reading | Self::Ready | Self::Refused | Self::Applying)
    }

    pub fn may_roll_back(self) -> bool {
        self == Self::Applied
    }
}
