# A backup that leaves the machine: nobody reads it, nobody forges it, and no key shows.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox
    $null = Invoke-Sql $sandbox.Target 'CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i'
    $secret = "never shown $([guid]::NewGuid().ToString('N'))"
    $key = ConvertTo-SecureString $secret -AsPlainText -Force
    $backups = Join-Path $TestDrive backups
}

AfterAll {
    Stop-PgSandbox $sandbox
}

Describe 'A signed backup' {
    It 'is proven by signed drills alone when the key is given, and shows no key' {
        $log = Join-Path $TestDrive 'log.jsonl'
        $backup = Backup-PgDatabase $sandbox -Path $backups -SigningKey $key -LogPath $log -ErrorAction Stop
        ($backup | Test-PgBackup -SigningKey $key).Checks.Where({ $_.Name -eq 'signature' }).Status | Should -Be Passed
        ($backup | Test-PgBackup).Checks.Where({ $_.Name -eq 'signature' }).Status | Should -Be Skipped
        ($backup | Test-PgRestore -Target $sandbox).Proven | Should -BeTrue
        Get-PgBackup $backups -Proven | Should -HaveCount 1
        Get-PgBackup $backups -Proven -SigningKey $key | Should -HaveCount 0
        ($backup | Test-PgRestore -Target $sandbox -SigningKey $key -LogPath $log).Proven | Should -BeTrue
        Get-PgBackup $backups -Proven -SigningKey $key | Should -HaveCount 1
        foreach ($file in Get-ChildItem $backups -Recurse -File) {
            [System.IO.File]::ReadAllText($file.FullName).Contains($secret) | Should -BeFalse
        }
        (Test-Path $log) -and (Get-Content $log -Raw).Contains($secret) | Should -BeFalse
        ($backup | Format-List * -Force | Out-String).Contains($secret) | Should -BeFalse
    }

    It 'is refused when another key, or any signature, is asked for and not there' {
        $backup = Get-PgBackup $backups -Latest
        $other = ConvertTo-SecureString 'another secret, long enough' -AsPlainText -Force
        $backup | Restore-PgDatabase -Target $sandbox -Database forged -SigningKey $other -Confirm:$false `
            -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'SignatureInvalid*'
        $failure[0].ToString() | Should -Not -Match 'another secret'
        Remove-Item (Join-Path $backup.Path SHA256SUMS.sig)
        ($backup | Test-PgBackup -SigningKey $key).Passed | Should -BeFalse
        { $backup | Test-PgBackup -SigningKey $key -Strict -ErrorAction Stop } | Should -Throw '*not signed*'
    }

    It 'takes a certificate as an object and as a file, with and without its private key' {
        $ecdsa = [System.Security.Cryptography.ECDsa]::Create()
        $request = [System.Security.Cryptography.X509Certificates.CertificateRequest]::new('CN=backups', $ecdsa, 'SHA256')
        $certificate = $request.CreateSelfSigned([datetime]::UtcNow.AddDays(-1), [datetime]::UtcNow.AddDays(1))
        $pem = Join-Path $TestDrive 'backups.pem'
        $half = Join-Path $TestDrive 'backups.cer'
        $private = [System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($certificate)
        Set-Content $pem ($certificate.ExportCertificatePem(), $private.ExportPkcs8PrivateKeyPem())
        Set-Content $half $certificate.ExportCertificatePem()
        $backup = Backup-PgDatabase $sandbox -Path $backups -SigningCertificate $pem -ErrorAction Stop
        foreach ($given in $certificate, $pem, $half) {
            ($backup | Test-PgBackup -SigningCertificate $given).Checks.Where({ $_.Name -eq 'signature' }).Status | Should -Be Passed
        }
        ($backup | Test-PgBackup).Checks.Where({ $_.Name -eq 'signature' }).Detail |
            Should -BeLike "*$($certificate.Thumbprint), not verified against a key you gave"
        Backup-PgDatabase $sandbox -Path $backups -SigningCertificate $half -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure[0].ToString() | Should -BeLike '*private key*'
        { Test-PgBackup $backup -SigningCertificate (Join-Path $TestDrive none.pem) } | Should -Throw '*no certificate*'
    }
}

Describe 'An encrypted backup' -Skip:(-not $env:CI -and -not (Get-Command age-keygen -ErrorAction Ignore)) {
    BeforeAll {
        $identity = Join-Path $TestDrive 'identity.txt'
        $null = age-keygen -o $identity 2>&1
        $recipient = age-keygen -y $identity
    }

    It 'says in its plan for whom it will be encrypted' {
        (Invoke-Fresh ("Import-Module '$PgOpsModule'; `$s = Start-PgSandbox; " +
            "Backup-PgDatabase `$s -Recipient $recipient -WhatIf; Stop-PgSandbox `$s")) -join "`n" |
            Should -BeLike "*encrypted with age for $recipient*"
    }

    It 'is proven and restored with its identity, in the format <_>' -ForEach 'Directory', 'Custom' {
        $folder = Join-Path $TestDrive $_
        $null = Backup-PgDatabase $sandbox -Path $folder -Format $_ -Recipient $recipient -ErrorAction Stop
        $backup = Get-PgBackup $folder
        $backup.Manifest.Payload.Encryption.Tool | Should -Be age
        ($backup | Test-PgBackup).Checks.Where({ $_.Name -eq 'table-of-contents' }).Status | Should -Be Skipped
        ($backup | Test-PgBackup -Identity $identity).Checks.Status | Sort-Object -Unique | Should -Be Passed
        ($backup | Test-PgRestore -Target $sandbox -Identity $identity).Proven | Should -BeTrue
        (Compare-PgDatabase $backup $sandbox -Identity $identity).Passed | Should -BeTrue
        (Compare-PgDatabase $backup $backup -Identity $identity).Passed | Should -BeTrue
        { Compare-PgDatabase $sandbox $sandbox -Identity $identity -ErrorAction Stop } | Should -Throw '*neither side*is a backup*'
        $backup | Restore-PgDatabase -Target $sandbox -Database "opened_$_" `
            -ErrorVariable failure -ErrorAction SilentlyContinue -Confirm:$false
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'DecryptionFailed*'
        ($backup | Restore-PgDatabase -Target $sandbox -Database "opened_$_" -Identity $identity -Confirm:$false).TablesVerified |
            Should -Be 1
    }

    It 'works with gpg and its keyring' -Skip:(-not $env:CI -and -not (Get-Command gpg -ErrorAction Ignore)) {
        $saved = $env:GNUPGHOME
        # gpg's agent listens on a socket in it, whose path must be short.
        $env:GNUPGHOME = (New-Item -ItemType Directory (Join-Path ([System.IO.Path]::GetTempPath()) "g$PID")).FullName
        try {
            if (-not $IsWindows) { chmod 700 $env:GNUPGHOME }
            $null = gpg --batch --quiet --passphrase '' --quick-generate-key 'backups@example.invalid' default default never 2>&1
            $folder = Join-Path $TestDrive gpg
            $null = Backup-PgDatabase $sandbox -Path $folder -Recipient backups@example.invalid -ErrorAction Stop
            $backup = Get-PgBackup $folder
            $backup.Manifest.Payload.Encryption.Tool | Should -Be gpg
            ($backup | Test-PgRestore -Target $sandbox).Proven | Should -BeTrue
        }
        finally {
            gpgconf --kill gpg-agent
            Remove-Item $env:GNUPGHOME -Recurse -Force -ErrorAction Ignore
            $env:GNUPGHOME = $saved ?? [NullString]::Value
        }
    }
}
